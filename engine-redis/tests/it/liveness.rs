//! Who still waits is heard by all engines, whichever is polled.

use std::time::Duration;

use engine::{command::Terms, id::ShopperKey, record::Change, spec::SaleSpec, standing::Standing};
use tokio::time::Instant;

use super::{
    server::{Server, run},
    serving::Serving,
};
use crate::support::{SALE, author, pass_of, wide};

#[test]
fn who_polls_one_engine_is_let_go_by_none_and_who_polls_nobody_goes() {
    let server = Server::start();
    run(async {
        let (a, b) = (Serving::start("a", &server.url()), Serving::start("b", &server.url()));
        // Nobody is let in.
        a.create_as(SaleSpec { idle_ms: 2_000, ..wide(5) }).await;
        a.engine()
            .change(a.view().tag(), author(), Change::Pause, Terms::default())
            .await
            .expect("it is open");
        b.sale(SALE).await;
        let mut passes = Vec::new();
        for shopper in 1..=3 {
            let entry = a.engine().enter(&a.view(), ShopperKey(shopper), None).await.expect("open");
            passes.push(pass_of(&entry));
        }
        let [at_b, at_both, silent] = passes[..] else { unreachable!("three entered") };
        let (since, mut polls) = (Instant::now(), 0);
        let gone = loop {
            polls += 1;
            let turn = if polls % 2 == 0 { &a } else { &b };
            for (peer, pass) in [(&b, at_b), (turn, at_both)] {
                let stands = peer.view().standing(pass, peer.engine().now());
                assert!(
                    matches!(stands, Standing::Waiting { .. } | Standing::Unknown),
                    "{stands:?}"
                );
            }
            let (state, _) = a.view().line().place(silent.number);
            if state == engine::line::PlaceState::Idle {
                break since.elapsed();
            }
            assert!(since.elapsed() < Duration::from_secs(20), "who is silent goes");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        assert!(gone >= Duration::from_secs(2), "not before its time: {gone:?}");
        // A while more, for what goes late.
        for _ in 0..10 {
            let stands = b.view().standing(at_b, b.engine().now());
            assert!(matches!(stands, Standing::Waiting { .. }), "{stands:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(a.view().line().length(), 1 + u64::from(a.view().line().length() == 2));
        a.stop();
        b.stop();
    });
}
