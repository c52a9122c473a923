//! Deploys: `POST /deploy` with the package's files. Compile, plan, verify, make machine code, order, activate.
//!
//! Always true: the plan is made against one catalog version and the log refuses another; nothing changes unless all
//! of it is right; the log gets the module and the source.

use crate::call::json_response;
use crate::problem::Problem;
use crate::state::Gateway;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{Response, StatusCode};
use rc_bytecode::Module;
use rc_bytecode::compat::{self, Change, ChangeKind};
use rc_engine::{Deploy, Op, Reader, Refusal, Reply, Truncated, Writer};
use rc_jit::Compiled;
use rc_wire::json::write_string;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageFile {
    /// Relative to the package's folder; a key, never a path that is opened.
    pub name: String,
    pub text: String,
}

/// Why a package did not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompileFailure {
    /// The user's mistakes, rendered for people.
    Diagnostics(String),
    /// The compiler ran out of its time or memory, or broke.
    Limit(String),
}

/// The compiler, behind a wall of CPU and memory limits. Blocking.
pub trait SourceCompiler: Send + Sync {
    /// The encoded module.
    fn compile(&self, files: &[PackageFile]) -> Result<Vec<u8>, CompileFailure>;
}

/// The body of `POST /deploy`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    files: Vec<PackageFile>,
    /// Only the plan.
    #[serde(default)]
    plan_only: bool,
    /// The catalog version that the plan was shown for.
    expected_epoch: Option<u64>,
}

/// Files as the log keeps them.
pub fn pack_source(files: &[PackageFile]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer(&mut bytes);
    writer.varint(files.len() as u64);
    for file in files {
        writer.bytes(file.name.as_bytes());
        writer.bytes(file.text.as_bytes());
    }
    bytes
}

/// The inverse of [`pack_source`].
pub fn unpack_source(bytes: &[u8]) -> Result<Vec<PackageFile>, Truncated> {
    let mut reader = Reader::new(bytes);
    let count = reader.varint()?;
    let mut files = Vec::new();
    for _ in 0..count {
        files.push(PackageFile {
            name: reader.text()?.to_string(),
            text: reader.text()?.to_string(),
        });
    }
    Ok(files)
}

/// `POST /deploy`.
pub async fn deploy(
    State(gateway): State<Gateway>,
    request: HttpRequest,
) -> Result<Response<Body>, Problem> {
    gateway.access.require_token(request.headers())?;
    if crate::call::media_type(request.headers()) != "application/json" {
        let detail = "send Content-Type: application/json";
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            detail,
        ));
    }
    let (body, _reserved) = crate::body::read(request).await?;
    let request: Request = serde_json::from_slice(&body).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "bad-arguments",
            format!("not a deploy request: {error}"),
        )
    })?;
    deploy_files(
        &gateway,
        request.files,
        request.plan_only,
        request.expected_epoch,
    )
    .await
    .map(json_response)
}

/// Compiles, plans and, unless only the plan is wanted, activates. The answer is JSON:
/// `{"package", "epoch", "deployed", "changes": [{"kind", "text"}]}`.
pub async fn deploy_files(
    gateway: &Gateway,
    files: Vec<PackageFile>,
    plan_only: bool,
    expected_epoch: Option<u64>,
) -> Result<String, Problem> {
    let compiler = Arc::clone(&gateway.compiler);
    let source = pack_source(&files);
    let built = tokio::task::spawn_blocking(move || build(compiler.as_ref(), &files)).await;
    let (encoded, module) = built.map_err(|_| broken("the compiler stopped"))??;
    let package = module.interface.package.clone();
    let view = gateway.node.catalog();
    let changes = match view.package(&package) {
        Some(live) => compat::compare(live.module.module(), &module),
        None => compat::additions(&module),
    };
    let same = view
        .package(&package)
        .is_some_and(|live| *live.module.module() == module);
    let epoch = expected_epoch.unwrap_or(view.epoch);
    if plan_only || same {
        return Ok(answer(&package, view.epoch, false, &changes));
    }
    if let Some(text) = broken_changes(&changes) {
        return Err(Problem::new(StatusCode::CONFLICT, "deploy-refused", text));
    }
    let staged = tokio::task::spawn_blocking(move || stage(module)).await;
    let (hash, code) = staged.map_err(|_| broken("the code generator stopped"))??;
    let node = gateway.node.clone();
    let installed = tokio::task::spawn_blocking(move || node.install_code(hash, code)).await;
    installed.map_err(|_| broken("the node stopped"))??;
    let deploy = Deploy {
        expected_epoch: epoch,
        deployer: 0,
        module: encoded,
        source,
    };
    let reply = gateway.order(vec![Op::Deploy(Box::new(deploy))]).await?;
    match reply.replies.into_iter().next() {
        Some(Reply::Deployed { epoch }) => Ok(answer(&package, epoch, true, &changes)),
        Some(Reply::Refused(refusal @ Refusal::Deploy(_))) => Err(Problem::of_refusal(&refusal)),
        _ => Err(crate::call::internal()),
    }
}

fn broken(detail: &str) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
}

fn build(
    compiler: &dyn SourceCompiler,
    files: &[PackageFile],
) -> Result<(Vec<u8>, Module), Problem> {
    let encoded = compiler.compile(files).map_err(|failure| match failure {
        CompileFailure::Diagnostics(text) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "does-not-compile", text)
        }
        CompileFailure::Limit(text) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "compile-limit", text)
        }
    })?;
    let module = rc_bytecode::decode(&encoded)
        .map_err(|error| broken(&format!("the compiler's module is malformed: {error}")))?;
    Ok((encoded, module))
}

/// Verifies as the edge does, and makes machine code off the loop.
fn stage(module: Module) -> Result<([u8; 32], Arc<Compiled>), Problem> {
    let refused =
        |text: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "does-not-verify", text);
    let verified = rc_bytecode::verify(module).map_err(|error| refused(error.to_string()))?;
    let code = Compiled::compile(&verified).map_err(|error| refused(error.to_string()))?;
    Ok((*verified.hash(), Arc::new(code)))
}

fn broken_changes(changes: &[Change]) -> Option<String> {
    let broken: Vec<String> = changes
        .iter()
        .filter(|change| change.kind == ChangeKind::Broken)
        .map(|change| change.to_string())
        .collect();
    (!broken.is_empty()).then(|| broken.join("\n"))
}

fn answer(package: &str, epoch: u64, deployed: bool, changes: &[Change]) -> String {
    let mut out = String::from("{\"package\":");
    write_string(package, &mut out);
    out.push_str(&format!(
        ",\"epoch\":{epoch},\"deployed\":{deployed},\"changes\":["
    ));
    for (index, change) in changes.iter().enumerate() {
        let kind = match change.kind {
            ChangeKind::Added => "added",
            ChangeKind::Changed => "changed",
            ChangeKind::Asked => "asked",
            ChangeKind::Broken => "broken",
        };
        out.push_str(if index > 0 { "," } else { "" });
        out.push_str(&format!("{{\"kind\":\"{kind}\",\"text\":"));
        write_string(&change.text, &mut out);
        out.push('}');
    }
    out.push_str("]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_comes_back_as_it_was_sent() {
        let files = vec![
            PackageFile {
                name: "a.rc".into(),
                text: "package a\n".into(),
            },
            PackageFile {
                name: "rc.toml".into(),
                text: String::new(),
            },
        ];
        assert_eq!(unpack_source(&pack_source(&files)), Ok(files.clone()));
        let packed = pack_source(&files);
        assert!(
            unpack_source(&packed[..packed.len() - 1]).is_ok_and(|short| short != files)
                || unpack_source(&packed[..packed.len() - 1]).is_err()
        );
    }
}
