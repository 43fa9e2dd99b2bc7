//! An https receiver: only one whose certificate is trusted is told anything.

use std::sync::Arc;

use api::pipeline::WebhookOptions;
use outbound::Trust;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::{
    receiver::{Act, Ledger, Receiver},
    shop::{Shop, until, webhook},
};

fn acceptor(key: &CertifiedKey<rcgen::KeyPair>) -> TlsAcceptor {
    let secret = PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], secret)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_go_to_a_receiver_that_proves_who_it_is_and_to_no_other() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let own = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let addr = "127.0.0.1:0".parse().unwrap();
    let receiver = Receiver::start_at(addr, &ledger, |_| Act::Take, Some(acceptor(&own))).await;
    let url = format!("https://localhost:{}/orders?shop=1", receiver.addr.port());

    let trust = Trust::Pem(other.cert.pem().into_bytes());
    let options = WebhookOptions { trust, ..webhook(url.clone()) };
    let pipeline = shop.deliver(Arc::new(shop.webhook(options)));
    shop.buy(1).await;
    until("several tries", || pipeline.status().delayed_total > 4).await;
    assert_eq!(ledger.times(1), 0);
    assert!(shop.engine.dead_letters().is_empty(), "a sink that cannot be reached never refuses");
    pipeline.stop();

    let restarted = shop.killed_and_restarted();
    let trust = Trust::Pem(own.cert.pem().into_bytes());
    let options = WebhookOptions { trust, ..webhook(url) };
    let pipeline = restarted.deliver(Arc::new(restarted.webhook(options)));
    until("no lag", || restarted.lag() == 0).await;
    ledger.assert_whole(1);
    pipeline.stop();
    restarted.close();
    shop.close();
}
