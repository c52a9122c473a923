//! gRPC over the same routes: `/ledger.Ledger/Pay` and, for throughput, the bidirectional `/ledger.Ledger/PayStream`.
//!
//! Messages pass tonic as bytes and are transcoded by shape, so a deploy needs no generated code. A unary failure is a
//! status with `recurrent-code` and `recurrent-fields` in the trailers; in a stream it is a message, so that one failed
//! call does not end the others. Reflection answers from the catalog of the moment.

use crate::call::session_key;
use crate::descriptor;
use crate::problem::Problem;
use crate::state::Gateway;
use crate::target::Target;
use axum::body::Body as AxumBody;
use axum::extract::Request as AxumRequest;
use axum::http::{HeaderMap, Response, StatusCode};
use futures_util::FutureExt;
use futures_util::stream::{self, Stream, StreamExt};
use rc_bytecode::interface::CommandKind;
use rc_engine::{Call, Op, Principal, Reply, SessionKey};
use rc_node::{Answer, BATCH_OPS_MAX, SubmitError, Work};
use rc_wire::names::{method_name, service_name};
use rc_wire::protobuf;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::server::{Grpc, StreamingService, UnaryService};
use tonic::{Code, Request, Status, Streaming};

/// Groups of calls of one stream that may wait for their answers.
const GROUPS_IN_FLIGHT: usize = 64;

/// Message bytes after which a group is submitted.
const GROUP_BYTES_MAX: usize = 1 << 20;
/// Bytes of one message at most, whatever the command.
const MESSAGE_BYTES_MAX: u64 = 4 << 20;

/// Messages as bytes.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Raw;
    type Decoder = Raw;
    fn encoder(&mut self) -> Raw {
        Raw
    }
    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }
    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(64 * 1024, 64 * 1024)
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        use prost::bytes::Buf as _;
        let mut message = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut message);
        Ok(Some(message))
    }
}

/// A method of a live deployment and who calls it.
#[derive(Clone)]
struct Method {
    gateway: Gateway,
    target: Target,
    principal: Principal,
    session: SessionKey,
}

/// Answers a request whose content type is `application/grpc`.
pub async fn grpc(
    gateway: Gateway,
    service: &str,
    method: &str,
    request: AxumRequest,
) -> Response<AxumBody> {
    let request = request.map(Body::new);
    let response = if service.starts_with("grpc.reflection.") {
        reflect(&gateway, service, request).await
    } else {
        match find(&gateway, service, method, request.headers()) {
            Ok((found, streams)) => {
                let mut server =
                    Grpc::new(Raw).max_decoding_message_size(found.message_bytes_max());
                if streams {
                    server.streaming(found, request).await
                } else {
                    server.unary(found, request).await
                }
            }
            Err(status) => status.into_http(),
        }
    };
    response.map(AxumBody::new)
}

/// The method and whether it streams.
fn find(
    gateway: &Gateway,
    service: &str,
    method: &str,
    headers: &HeaderMap,
) -> Result<(Method, bool), Status> {
    let view = gateway.node.catalog();
    let entry = view
        .live
        .iter()
        .find(|entry| service_name(&entry.package) == service);
    let entry = entry.ok_or_else(|| Status::unimplemented(format!("no service {service}")))?;
    let commands = &entry.module.module().interface.commands;
    let named = |wanted: &str| {
        commands.iter().position(|command| {
            command.kind.is_called() && method_name(&command.name, command.version) == wanted
        })
    };
    let found = match method.strip_suffix("Stream") {
        Some(stem) if named(method).is_none() => named(stem).map(|index| (index, true)),
        _ => named(method).map(|index| (index, false)),
    };
    let (index, streams) =
        found.ok_or_else(|| Status::unimplemented(format!("{service} has no method {method}")))?;
    let target = Target {
        epoch: entry.epoch,
        module: Arc::clone(&entry.module),
        index: index as u32,
    };
    let principal = gateway
        .access
        .principal(headers, target.interface())
        .map_err(|problem| status_of(&problem))?;
    let session = session_key(headers, principal.id).map_err(|problem| status_of(&problem))?;
    Ok((
        Method {
            gateway: gateway.clone(),
            target,
            principal,
            session,
        },
        streams,
    ))
}

async fn reflect(
    gateway: &Gateway,
    service: &str,
    request: axum::http::Request<Body>,
) -> Response<Body> {
    let view = gateway.node.catalog();
    let sets: Vec<_> = view
        .live
        .iter()
        .map(|entry| descriptor::file_set(&entry.module.module().interface))
        .collect();
    let builder = || {
        let start = tonic_reflection::server::Builder::configure();
        sets.iter().fold(start, |builder, set| {
            builder.register_file_descriptor_set(set.clone())
        })
    };
    let unavailable =
        |error: tonic_reflection::server::Error| Status::internal(error.to_string()).into_http();
    if service == "grpc.reflection.v1alpha.ServerReflection" {
        match builder().build_v1alpha() {
            Ok(mut reflection) => reflection
                .call(request)
                .await
                .unwrap_or_else(|never| match never {}),
            Err(error) => unavailable(error),
        }
    } else {
        match builder().build_v1() {
            Ok(mut reflection) => reflection
                .call(request)
                .await
                .unwrap_or_else(|never| match never {}),
            Err(error) => unavailable(error),
        }
    }
}

fn status_of(problem: &Problem) -> Status {
    let code = match problem.status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Code::InvalidArgument,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::METHOD_NOT_ALLOWED => {
            Code::Unimplemented
        }
        StatusCode::CONFLICT if problem.code.is_some() => Code::AlreadyExists,
        StatusCode::CONFLICT => Code::Aborted,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::INSUFFICIENT_STORAGE => Code::ResourceExhausted,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        StatusCode::UNPROCESSABLE_ENTITY => Code::FailedPrecondition,
        _ => Code::Internal,
    };
    let mut metadata = MetadataMap::new();
    let mut note = |key: &'static str, text: &Option<String>| {
        if let Some(value) = text
            .as_ref()
            .and_then(|text| MetadataValue::try_from(ascii(text)).ok())
        {
            metadata.insert(key, value);
        }
    };
    note("recurrent-problem", &Some(problem.kind.to_string()));
    note("recurrent-code", &problem.code);
    note("recurrent-fields", &problem.fields);
    Status::with_metadata(code, problem.detail.clone(), metadata)
}

/// JSON text with everything beyond ASCII escaped: trailers carry nothing else.
fn ascii(json: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    for unit in json.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ 0x20..=0x7e) => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

impl Method {
    fn pack(&self, message: &[u8]) -> Result<Vec<u8>, Status> {
        let mut arguments = Vec::with_capacity(64);
        let interface = self.target.interface();
        protobuf::pack_record(
            &interface.shapes,
            &self.target.command().arguments,
            message,
            &mut arguments,
        )
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
        Ok(arguments)
    }

    fn call(&self, arguments: Vec<u8>, session: SessionKey) -> Call {
        Call {
            epoch: self.target.epoch,
            command: self.target.index,
            principal: self.principal,
            session,
            arguments,
        }
    }

    /// Varints and field keys take more room than packed values, and unknown fields are allowed.
    fn message_bytes_max(&self) -> usize {
        let packed = self
            .target
            .interface()
            .shapes
            .packed_record_max(&self.target.command().arguments);
        packed
            .saturating_mul(4)
            .saturating_add(4_096)
            .min(MESSAGE_BYTES_MAX) as usize
    }

    fn is_command(&self) -> bool {
        self.target.command().kind == CommandKind::Command
    }

    /// The reply message, or the problem.
    fn message(&self, reply: &Reply) -> Result<Vec<u8>, Problem> {
        let interface = self.target.interface();
        if let Some(problem) = Problem::of_reply(interface, reply) {
            return Err(problem);
        }
        let mut message = Vec::new();
        if let (Reply::Done(packed), Some(shape)) = (reply, &self.target.command().result) {
            let mut packed = packed.as_slice();
            protobuf::write_field(
                &interface.shapes,
                shape,
                1,
                false,
                &mut packed,
                &mut message,
            )
            .map_err(|_| crate::call::internal())?;
        }
        Ok(message)
    }

    /// An `Outcome` message of a stream.
    fn outcome(&self, op: u64, reply: Result<&Reply, Problem>) -> Vec<u8> {
        let mut outcome = Vec::with_capacity(32);
        match reply.and_then(|reply| self.message(reply)) {
            Ok(message) => protobuf::put_bytes(1, &message, &mut outcome),
            Err(problem) => {
                let mut failure = Vec::new();
                protobuf::put_bytes(
                    1,
                    problem.code.as_deref().unwrap_or(problem.kind).as_bytes(),
                    &mut failure,
                );
                protobuf::put_bytes(2, problem.detail.as_bytes(), &mut failure);
                protobuf::put_bytes(
                    3,
                    problem.fields.as_deref().unwrap_or("").as_bytes(),
                    &mut failure,
                );
                protobuf::put_bytes(2, &failure, &mut outcome);
            }
        }
        protobuf::put_number(3, op, &mut outcome);
        outcome
    }
}

impl UnaryService<Vec<u8>> for Method {
    type Response = Vec<u8>;
    type Future = BoxFuture<tonic::Response<Vec<u8>>, Status>;

    fn call(&mut self, request: Request<Vec<u8>>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move {
            let arguments = method.pack(request.get_ref())?;
            let call = method.call(arguments, method.session);
            let answer = if method.is_command() {
                method.gateway.order(vec![Op::Call(call)]).await
            } else {
                method.gateway.query(vec![call]).await
            };
            let answer = answer.map_err(|error| status_of(&Problem::from(error)))?;
            let reply = answer
                .replies
                .first()
                .ok_or_else(|| Status::internal("no reply"))?;
            let message = method
                .message(reply)
                .map_err(|problem| status_of(&problem))?;
            let mut response = tonic::Response::new(message);
            response
                .metadata_mut()
                .insert("recurrent-op", MetadataValue::from(answer.op));
            Ok(response)
        })
    }
}

/// What the reading side hands to the answering side.
enum Group {
    /// Calls that were submitted together: for each message its problem, or none if it was sent.
    Sent {
        problems: Vec<Option<Problem>>,
        answer: oneshot::Receiver<Result<Answer, SubmitError>>,
    },
    /// The stream of requests is broken.
    Broken(Status),
}

impl StreamingService<Vec<u8>> for Method {
    type Response = Vec<u8>;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Status>> + Send>>;
    type Future = BoxFuture<tonic::Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<Vec<u8>>>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move {
            let session = match method.session {
                SessionKey::Client { client, sequence } => {
                    Some(open(&method.gateway, client, sequence).await?)
                }
                SessionKey::None | SessionKey::Slot { .. } => None,
            };
            let (groups, waiting) = mpsc::channel::<Group>(GROUPS_IN_FLIGHT);
            tokio::spawn(read(method.clone(), session, request.into_inner(), groups));
            let outcomes = ReceiverStream::new(waiting).then(move |group| {
                let method = method.clone();
                async move { stream::iter(finish(&method, group).await) }
            });
            let outcomes: Self::ResponseStream = Box::pin(outcomes.flatten());
            Ok(tonic::Response::new(outcomes))
        })
    }
}

/// Takes what is ready off the stream, a group at a time, and submits it; the bounded channel holds fast senders back.
async fn read(
    method: Method,
    session: Option<(u32, u32, u64)>,
    mut messages: Streaming<Vec<u8>>,
    groups: mpsc::Sender<Group>,
) {
    let mut number = 0;
    while let Some(first) = messages.next().await {
        let (mut calls, mut problems, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        let mut broken = None;
        while let Some(message) = next.take() {
            let message = match message {
                Ok(message) => message,
                Err(status) => {
                    broken = Some(status);
                    break;
                }
            };
            let session = session.map_or(SessionKey::None, |(slot, generation, first)| {
                SessionKey::Slot {
                    slot,
                    generation,
                    sequence: first + number,
                }
            });
            number += 1;
            bytes += message.len();
            match method.pack(&message) {
                Ok(arguments) => {
                    calls.push(method.call(arguments, session));
                    problems.push(None);
                }
                Err(status) => {
                    problems.push(Some(Problem::new(
                        StatusCode::BAD_REQUEST,
                        "bad-arguments",
                        status.message(),
                    )));
                }
            }
            if problems.len() < BATCH_OPS_MAX && bytes < GROUP_BYTES_MAX {
                next = messages.next().now_or_never().flatten();
            }
        }
        let (send, answer) = oneshot::channel();
        let callback = Box::new(move |result| drop(send.send(result)));
        let work = if method.is_command() {
            Work::Ops {
                ops: calls.into_iter().map(Op::Call).collect(),
                answer: callback,
            }
        } else {
            Work::Queries {
                calls,
                answer: callback,
            }
        };
        method.gateway.node.submit(work);
        if groups.send(Group::Sent { problems, answer }).await.is_err() {
            return;
        }
        if let Some(status) = broken {
            // Where the answering side has gone, nobody is left to be told.
            let _ = groups.send(Group::Broken(status)).await;
            return;
        }
    }
}

/// The outcome messages of a group, or the status that ends the stream.
async fn finish(method: &Method, group: Group) -> Vec<Result<Vec<u8>, Status>> {
    let (problems, answer) = match group {
        Group::Sent { problems, answer } => (problems, answer),
        Group::Broken(status) => return vec![Err(status)],
    };
    let (mut op, replies, refused) = match answer.await {
        Ok(Ok(answer)) => (answer.op, answer.replies, None),
        Ok(Err(error @ SubmitError::Halted(_))) => {
            return vec![Err(status_of(&Problem::from(error)))];
        }
        // Nothing was ordered: an outcome for each, and the stream goes on.
        Ok(Err(error)) => (0, Vec::new(), Some(Problem::from(error))),
        Err(_) => return vec![Err(Status::unavailable("the node is closed"))],
    };
    let step = u64::from(method.is_command() && refused.is_none());
    let mut replies = replies.iter();
    let outcomes = problems.into_iter().map(|problem| {
        Ok(match problem.or_else(|| refused.clone()) {
            Some(problem) => method.outcome(0, Err(problem)),
            None => {
                let outcome = method.outcome(op, replies.next().ok_or_else(crate::call::internal));
                op += step;
                outcome
            }
        })
    });
    outcomes.collect()
}

async fn open(gateway: &Gateway, client: u128, first: u64) -> Result<(u32, u32, u64), Status> {
    match crate::bulk::open(gateway, client, first).await {
        Ok(slot) => Ok(slot),
        Err(problem) => Err(status_of(&problem)),
    }
}
