//! HTTP/2 frames that a correct library would not send, or not at this moment.

use bytes::{BufMut, Bytes, BytesMut};

/// A frame that is put on the wire as it is (RFC 9113, section 6).
#[derive(Debug, Clone)]
pub enum Frame {
    /// GOAWAY.
    GoAway {
        /// The last stream that the double claims to have processed.
        last: LastStream,
        /// Error code; 0 is `NO_ERROR`.
        code: u32,
    },
    /// RST_STREAM for the stream of this script, whatever its state.
    ResetStream(u32),
    /// SETTINGS with these identifiers and values.
    Settings(Vec<(u16, u32)>),
    /// WINDOW_UPDATE of the connection.
    ConnectionWindow(u32),
    /// PING.
    Ping([u8; 8]),
    /// Anything: type, flags, whether it names this stream (or the connection), payload.
    Any {
        /// Frame type.
        kind: u8,
        /// Flags.
        flags: u8,
        /// `true`: the stream of this script; `false`: stream 0.
        on_stream: bool,
        /// Payload; the length field says the truth about it.
        payload: Bytes,
    },
}

/// What a GOAWAY claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastStream {
    /// Nothing was processed.
    Zero,
    /// Everything before the stream of this script was processed, this one not.
    Before,
    /// The stream of this script is the last processed one.
    This,
    /// 2^31 - 1, the first half of a graceful shutdown.
    Max,
}

impl Frame {
    /// The frame on the wire; `stream` is the stream of the script.
    #[must_use]
    pub fn to_bytes(&self, stream: u32) -> Bytes {
        match self {
            Self::GoAway { last, code } => {
                let last = match last {
                    LastStream::Zero => 0,
                    LastStream::Before => stream.saturating_sub(2),
                    LastStream::This => stream,
                    LastStream::Max => (1 << 31) - 1,
                };
                let payload = [last.to_be_bytes(), code.to_be_bytes()].concat();
                encode(GOAWAY, 0, 0, &payload)
            }
            Self::ResetStream(code) => encode(RST_STREAM, 0, stream, &code.to_be_bytes()),
            Self::Settings(pairs) => {
                let mut payload = Vec::new();
                for (id, value) in pairs {
                    payload.put_u16(*id);
                    payload.put_u32(*value);
                }
                encode(SETTINGS, 0, 0, &payload)
            }
            Self::ConnectionWindow(n) => encode(WINDOW_UPDATE, 0, 0, &n.to_be_bytes()),
            Self::Ping(data) => encode(PING, 0, 0, data),
            Self::Any {
                kind,
                flags,
                on_stream,
                payload,
            } => encode(*kind, *flags, if *on_stream { stream } else { 0 }, payload),
        }
    }
}

fn encode(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(9 + payload.len());
    out.put_uint(payload.len() as u64, 3);
    out.put_u8(kind);
    out.put_u8(flags);
    out.put_u32(stream);
    out.put_slice(payload);
    out.freeze()
}

const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
