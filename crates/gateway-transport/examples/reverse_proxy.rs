//! A reverse proxy that streams: `reverse_proxy 127.0.0.1:8080 https://example.com`.
//!
//! A response goes on as it comes; the pool may rotate at any time and cuts none.

use std::{convert::Infallible, env, error::Error};

use bytes::Bytes;
use gateway_transport::{
    ConnectSpec, Origin, ResponseBody, SendOptions, Shard, Transport, TransportConfig,
};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [listen, target] = arguments.as_slice() else {
        return Err("usage: reverse_proxy LISTEN_ADDRESS TARGET_URL".into());
    };
    let transport = Transport::single(TransportConfig::default());
    let origin = transport.origin(&ConnectSpec::from_url(target)?)?;
    let listener = TcpListener::bind(listen).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    let connections = TaskTracker::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (shard, origin) = (transport.shard(0), origin.clone());
        let service = service_fn(move |request| answer(shard.clone(), origin.clone(), request));
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    shard: Shard,
    origin: Origin,
    request: Request<Incoming>,
) -> Result<Response<Either<ResponseBody, Full<Bytes>>>, Infallible> {
    Ok(match forward(&shard, &origin, request).await {
        Ok(response) => response.map(Either::Left),
        Err(error) => {
            let mut response = Response::new(Either::Right(format!("{error}\n").into()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    })
}

async fn forward(
    shard: &Shard,
    origin: &Origin,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Failure> {
    let (mut parts, body) = request.into_parts();
    let body = Limited::new(body, 10 * 1024 * 1024).collect().await?;
    for hop in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING] {
        parts.headers.remove(hop);
    }
    let request = Request::from_parts(parts, body.to_bytes());
    let mut response = shard.send(origin, request, &SendOptions::default()).await?;
    for hop in [header::CONNECTION, header::TRANSFER_ENCODING] {
        response.headers_mut().remove(hop);
    }
    Ok(response)
}
