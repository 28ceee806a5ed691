//! A streaming reverse proxy: `reverse_proxy 127.0.0.1:8080 https://example.com`.
//!
//! Bodies stream both ways of the response; the pool may rotate at any time and cuts nothing.

use std::{env, error::Error, sync::Arc};

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

const MAX_REQUEST_BODY: usize = 10 * 1024 * 1024;

struct Proxy {
    shard: Shard,
    origin: Origin,
}

impl Proxy {
    async fn handle(
        &self,
        request: Request<Incoming>,
    ) -> Response<Either<ResponseBody, Full<Bytes>>> {
        let (mut parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MAX_REQUEST_BODY).collect().await else {
            return plain(StatusCode::BAD_REQUEST, "the body is broken or too large");
        };
        for hop in [
            header::HOST,
            header::CONNECTION,
            header::TRANSFER_ENCODING,
            header::CONTENT_LENGTH,
        ] {
            parts.headers.remove(hop);
        }
        let request = Request::from_parts(parts, body.to_bytes());
        match self
            .shard
            .send(&self.origin, request, &SendOptions::default())
            .await
        {
            Ok(mut response) => {
                response.headers_mut().remove(header::CONNECTION);
                response.headers_mut().remove(header::TRANSFER_ENCODING);
                response.map(Either::Left)
            }
            Err(error) => plain(StatusCode::BAD_GATEWAY, &error.to_string()),
        }
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Either<ResponseBody, Full<Bytes>>> {
    let mut response = Response::new(Either::Right(Full::from(format!("{text}\n"))));
    *response.status_mut() = status;
    response
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(listen), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: reverse_proxy LISTEN_ADDRESS TARGET_URL".into());
    };
    let transport = Transport::single(TransportConfig::default());
    let origin = transport.origin(&ConnectSpec::from_url(&target)?)?;
    let proxy = Arc::new(Proxy {
        shard: transport.shard(0),
        origin,
    });
    let listener = TcpListener::bind(listen).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    let connections = TaskTracker::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let proxy = Arc::clone(&proxy);
        let service = service_fn(move |request| {
            let proxy = Arc::clone(&proxy);
            async move { Ok::<_, std::convert::Infallible>(proxy.handle(request).await) }
        });
        let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move {
            serving
                .await
                .unwrap_or_else(|error| eprintln!("connection: {error}"))
        });
    }
}
