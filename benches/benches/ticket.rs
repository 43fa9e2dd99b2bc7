//! The ticket: written once, opened at every poll. Its MAC stands beside HMAC-SHA256 and a
//! signature (EdDSA), each over the same 47 bytes and in the same text form.

use std::hint::black_box;

use api::token::{Keyring, KeyringSecrets, TICKET_TEXT_BYTES, Ticket};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use benches::Rng;
use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use engine::{
    clock::Millis,
    id::{Epoch, Number, SaleTag, ShopperKey},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

const SEED: u64 = 3;
/// What is authenticated, and what of the MAC is kept.
const BODY_BYTES: usize = 47;
const MAC_BYTES: usize = 16;

type HmacSha256 = Hmac<Sha256>;

fn ticket(rng: &mut Rng) -> Ticket {
    Ticket {
        sale: SaleTag(rng.next_u64()),
        epoch: Epoch(1),
        number: Number(rng.up_to(1_000_000)),
        shopper: ShopperKey(rng.next_u128()),
        issued_at: Millis(1_800_000_000_000),
    }
}

fn body(rng: &mut Rng) -> [u8; BODY_BYTES] {
    std::array::from_fn(|_| rng.next_u64().to_le_bytes()[0])
}

/// The MAC alone.
fn mac(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ticket/mac of 47 bytes");
    let mut rng = Rng::new(SEED);
    let (key, body) = ([7; 32], body(&mut rng));
    let expected = blake3::keyed_hash(&key, &body);
    group.bench_function("ours, keyed BLAKE3", |bencher| {
        bencher.iter(|| assert_eq!(blake3::keyed_hash(&key, black_box(&body)), expected));
    });
    // The key's own blocks are hashed once, before.
    let keyed = HmacSha256::new_from_slice(&key).expect("any length is a key");
    let sealed = keyed.clone().chain_update(body).finalize().into_bytes();
    group.bench_function("HMAC-SHA256", |bencher| {
        bencher.iter(|| {
            let mac = keyed.clone().chain_update(black_box(body));
            assert!(mac.verify_slice(&sealed).is_ok());
        });
    });
    let pair = SigningKey::from_bytes(&key);
    let signature = pair.sign(&body);
    group.bench_function("EdDSA, verifying", |bencher| {
        let public = pair.verifying_key();
        bencher.iter(|| assert!(public.verify_strict(black_box(&body), &signature).is_ok()));
    });
    group.bench_function("EdDSA, signing", |bencher| {
        bencher.iter(|| assert_eq!(pair.sign(black_box(&body)), signature));
    });
    group.finish();
}

/// From the text of a header to what can be believed.
fn open(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ticket/open");
    let mut rng = Rng::new(SEED);
    let secret = "a secret of at least thirty-two bytes".to_owned();
    let keyring = Keyring::derive(&KeyringSecrets { secret, ..KeyringSecrets::default() });
    let keyring = keyring.expect("the secret is long enough");
    let ticket = ticket(&mut rng);
    let text = keyring.seal_ticket(&ticket);
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            let opened = keyring.open_ticket_for(ticket.sale, black_box(text.as_bytes()));
            assert_eq!(opened, Ok(ticket));
        });
    });
    let mut forged = *text.as_bytes().first_chunk::<TICKET_TEXT_BYTES>().expect("whole");
    forged[40] ^= 1;
    group.bench_function("ours, forged", |bencher| {
        bencher.iter(|| assert!(keyring.open_ticket(black_box(&forged)).is_err()));
    });
    group.bench_function("ours, sealing", |bencher| {
        bencher.iter(|| assert_eq!(keyring.seal_ticket(black_box(&ticket)), text));
    });

    let body = body(&mut rng);
    let keyed = HmacSha256::new_from_slice(&[7; 32]).expect("any length is a key");
    let mac = keyed.clone().chain_update(body).finalize().into_bytes();
    let sealed = URL_SAFE_NO_PAD.encode([&body[..], &mac[..MAC_BYTES]].concat());
    group.bench_function("HMAC-SHA256", |bencher| {
        bencher.iter(|| {
            let mut bytes = [0; BODY_BYTES + MAC_BYTES];
            let read = URL_SAFE_NO_PAD.decode_slice(black_box(&sealed), &mut bytes);
            assert_eq!(read, Ok(bytes.len()));
            let (body, mac) = bytes.split_at(BODY_BYTES);
            let expected = keyed.clone().chain_update(body);
            assert!(expected.verify_truncated_left(mac).is_ok());
        });
    });
    let pair = SigningKey::from_bytes(&[7; 32]);
    let signed = [&body[..], &pair.sign(&body).to_bytes()].concat();
    let sealed = URL_SAFE_NO_PAD.encode(signed);
    let public = pair.verifying_key();
    group.bench_function("EdDSA", |bencher| {
        bencher.iter(|| {
            let mut bytes = [0; BODY_BYTES + Signature::BYTE_SIZE];
            let read = URL_SAFE_NO_PAD.decode_slice(black_box(&sealed), &mut bytes);
            assert_eq!(read, Ok(bytes.len()));
            let (body, signature) = bytes.split_at(BODY_BYTES);
            let signature = Signature::from_slice(signature).expect("64 bytes");
            assert!(public.verify_strict(body, &signature).is_ok());
        });
    });
    group.finish();
}

criterion_group!(benches, mac, open);
criterion_main!(benches);
