//! One request over one connection, for the program under test and for the browser's driver.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends JSON, or no body with `Value::Null`, and returns the status and the JSON that came back.
pub(crate) fn ask(to: SocketAddr, call: (&str, &str), bearer: &str, body: &Value) -> (u16, Value) {
    send(to, call, &format!("Authorization: Bearer {bearer}"), body)
}

/// The same with an idempotency key, which a purchase must have.
pub(crate) fn ask_once(
    to: SocketAddr,
    call: (&str, &str),
    bearer: &str,
    body: &Value,
) -> (u16, Value) {
    let headers = format!("Authorization: Bearer {bearer}\r\nIdempotency-Key: only-one");
    send(to, call, &headers, body)
}

fn send(to: SocketAddr, (method, path): (&str, &str), headers: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n{headers}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let answer = read(&mut stream);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Reads an answer up to its `Content-Length`: the driver keeps the connection open.
fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 8_192];
    loop {
        let count = stream.read(&mut piece).unwrap();
        bytes.extend_from_slice(&piece[..count]);
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: Option<usize> = length.map(|length| length.trim().parse().unwrap());
            if length.is_some_and(|length| bytes.len() >= head + 4 + length) {
                return String::from_utf8(bytes).unwrap();
            }
        }
        if count == 0 {
            return String::from_utf8(bytes).unwrap();
        }
    }
}
