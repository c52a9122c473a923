//! `rcd dev DIR`: gateway and edge in one process, a cluster of one.

use crate::DevArguments;
use crate::banner::banner;
use crate::compile::WorkerCompiler;
use crate::data_directory::{self, DataDirectory};
use crate::package;
use crate::watch::Watch;
use rc_engine::Mode;
use rc_gateway::{Access, Gateway, Problem, deploy_files, router, serve as serve_http};
use rc_log::Disk;
#[cfg(not(feature = "failpoints"))]
use rc_log::RealDisk;
use rc_node::{Node, NodeOptions, StartError};
use rc_storage::{RocksOptions, RocksStore};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::net::TcpSocket;

/// Connections that the system holds until they are accepted.
const CONNECTIONS_WAITING: u32 = 1024;

/// Why a node did not start or stay.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    #[error(
        "{0} is not a loopback address: another bind needs TLS and authentication, which `dev` does not have"
    )]
    NotLoopback(std::net::IpAddr),
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} is in use by another process")]
    InUse { path: PathBuf },
    #[error("{address} cannot be bound: {source}; choose another one with --port")]
    Bind {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("the checkpoint store cannot be opened: {0}")]
    Store(String),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Package(#[from] package::ReadError),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DevError + '_ {
    move |source| DevError::Io {
        path: path.to_path_buf(),
        source,
    }
}

/// Nanoseconds since the process started, for pause figures only.
fn stopwatch() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

#[cfg(not(feature = "failpoints"))]
fn open_disk(folder: PathBuf, _: &DevArguments) -> io::Result<Arc<dyn Disk>> {
    Ok(Arc::new(RealDisk::open(folder)?))
}

#[cfg(feature = "failpoints")]
fn open_disk(folder: PathBuf, arguments: &DevArguments) -> io::Result<Arc<dyn Disk>> {
    crate::failpoints::open_disk(folder, arguments.lying_disk)
}

/// Serves until interrupted.
pub fn run(arguments: &DevArguments) -> Result<(), DevError> {
    if !arguments.bind.is_loopback() {
        return Err(DevError::NotLoopback(arguments.bind));
    }
    let folder = &arguments.directory;
    package::read(folder)?;
    // Before any data is opened: a port that is taken must leave nothing done.
    let socket = bind(SocketAddr::new(arguments.bind, arguments.port))?;
    let root = arguments
        .data
        .clone()
        .unwrap_or_else(|| folder.join(".rc-data"));
    let data = DataDirectory::open(&root).map_err(at(&root))?;
    let disk = open_disk(data.log(), arguments).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => DevError::InUse { path: root.clone() },
        _ => DevError::Io {
            path: data.log(),
            source,
        },
    })?;
    #[cfg_attr(not(feature = "failpoints"), allow(unused_mut))]
    let mut store = RocksStore::open(&data.checkpoint(), RocksOptions::default())
        .map_err(|error| DevError::Store(error.to_string()))?;
    let token = data.token().map_err(at(&root))?;
    let seed = data_directory::random_seed().map_err(at(Path::new("/dev/urandom")))?;
    let mut options = NodeOptions::new(data.events(), seed);
    options.mode = if arguments.interpreter {
        Mode::Interpreter
    } else {
        Mode::Jit
    };
    options.checkpoint_log_bytes = arguments.checkpoint_bytes;
    options.stopwatch = Some(stopwatch);
    options.log.segment_bytes = arguments.log_segment_bytes;
    #[cfg(feature = "failpoints")]
    crate::failpoints::arm(&mut options, &mut store);
    let started = Instant::now();
    let (node, report) = Node::start(disk, Box::new(store), options)?;
    for warning in &report.warnings {
        eprintln!("warning: {warning}");
    }
    if report.op > 0 {
        eprintln!(
            "recovered to op {} in {:.0?}: checkpoint at op {}, {} ops replayed",
            report.op,
            started.elapsed(),
            report.checkpoint_op,
            report.replayed_ops
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(at(folder))?;
    let served = runtime.block_on(serve(arguments, socket, &node, token));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    eprintln!("closing: writing a checkpoint");
    node.close();
    served
}

/// Takes the port without listening yet: nobody can connect before the node has recovered. Two processes that do this at
/// once both pass; the second is refused when it listens.
fn bind(address: SocketAddr) -> Result<TcpSocket, DevError> {
    let taken = || -> io::Result<TcpSocket> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    };
    taken().map_err(|source| DevError::Bind { address, source })
}

async fn serve(
    arguments: &DevArguments,
    socket: TcpSocket,
    node: &Node,
    token: String,
) -> Result<(), DevError> {
    let address = SocketAddr::new(arguments.bind, arguments.port);
    let bound = socket
        .listen(CONNECTIONS_WAITING)
        .map_err(|source| DevError::Bind { address, source })?;
    let port = bound
        .local_addr()
        .map_err(|source| DevError::Bind { address, source })?
        .port();
    let host = arguments.bind.to_string();
    if let Err(error) = data_directory::publish_token(&host, port, &token) {
        eprintln!("warning: rcc will not find the token by itself: {error}");
    }
    let access = Arc::new(Access::loopback(port, token));
    let gateway = Gateway {
        node: node.handle(),
        access,
        compiler: Arc::new(WorkerCompiler),
    };
    let server = tokio::spawn(serve_http(bound, router(gateway.clone()), interrupted()));
    let shown = format!("{host}:{port}");
    deploy_folder(&gateway, &arguments.directory, &shown).await;
    if !arguments.no_watch {
        watch(gateway, arguments.directory.clone(), shown);
    }
    tokio::select! {
        () = interrupted() => {}
        _ = server => {}
    }
    Ok(())
}

async fn interrupted() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

/// Deploys what is in the folder and says what came of it. What is live stays live if it does not compile.
async fn deploy_folder(gateway: &Gateway, folder: &Path, address: &str) {
    let started = Instant::now();
    let files = match package::read(folder) {
        Ok((files, _)) => files,
        Err(error) => return eprintln!("not deployed: {error}"),
    };
    match deploy_files(gateway, files, false, None).await {
        Ok(_) => {
            let view = gateway.node.catalog();
            for entry in &view.live {
                println!("\n{}", banner(address, entry));
            }
            println!("ready in {:.0?}", started.elapsed());
        }
        Err(Problem { detail, .. }) => eprintln!("not deployed:\n{detail}"),
    }
}

/// Redeploys on save, from a thread of its own.
fn watch(gateway: Gateway, folder: PathBuf, address: String) {
    let runtime = tokio::runtime::Handle::current();
    // A package that comes to be used later is watched from the next start on.
    let folders =
        package::read(&folder).map_or_else(|_| vec![folder.clone()], |(_, folders)| folders);
    let body = move || match Watch::start(&folders) {
        Ok(watch) => {
            while watch.wait() {
                runtime.block_on(deploy_folder(&gateway, &folder, &address));
            }
        }
        Err(error) => eprintln!("warning: the folder is not watched: {error}"),
    };
    if let Err(error) = std::thread::Builder::new()
        .name("watching".to_string())
        .spawn(body)
    {
        eprintln!("warning: the folder is not watched: {error}");
    }
}
