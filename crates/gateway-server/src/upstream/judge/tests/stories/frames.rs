//! Amazon's binary frames.

use serde_json::Value;

/// A chunk of InvokeModelWithResponseStream's.
pub(super) fn chunk(data: &Value) -> Vec<u8> {
    let bytes = base64(data.to_string().as_bytes());
    frame(
        "chunk",
        &format!("{{\"bytes\":\"{bytes}\",\"p\":\"abcd\"}}"),
    )
}

/// A frame of `application/vnd.amazon.eventstream` with an event.
pub(super) fn frame(name: &str, payload: &str) -> Vec<u8> {
    framed(
        &[(":event-type", name), (":message-type", "event")],
        payload,
    )
}

pub(super) fn framed(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(u8::try_from(name.len()).unwrap());
        block.extend(name.as_bytes());
        block.push(7);
        block.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        block.extend(value.as_bytes());
    }
    let whole = u32::try_from(16 + block.len() + payload.len()).unwrap();
    let mut out = whole.to_be_bytes().to_vec();
    out.extend(u32::try_from(block.len()).unwrap().to_be_bytes());
    out.extend(crc32(&out).to_be_bytes());
    out.extend(block);
    out.extend(payload.as_bytes());
    out.extend(crc32(&out).to_be_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    !crc
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for sextet in 0..4 {
            if sextet > group.len() {
                out.push('=');
            } else {
                let index = bits >> (18 - 6 * sextet) & 63;
                out.push(char::from(ALPHABET[index as usize]));
            }
        }
    }
    out
}
