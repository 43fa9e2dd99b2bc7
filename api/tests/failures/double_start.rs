//! Two processes on one data directory.

use crate::{beside_others, shopper::Shopper, site::Site};

#[test]
fn a_second_process_refuses_and_leaves_the_first_alone() {
    let _running = beside_others();
    let site = Site::new();
    let server = site.start();
    let mut shopper = Shopper::new("first".to_owned());
    shopper.enter(&mut server.client()).unwrap();
    let (code, log) = site.start_refused();
    assert_eq!(code, Some(1), "{log}");
    let directory = site.data.display();
    assert!(log.contains(&format!("data directory {directory} is in use")), "{log}");
    shopper.poll(&mut server.client()).unwrap();
    Shopper::new("second".to_owned()).enter(&mut server.client()).unwrap();
    server.kill();
    site.start().kill();
}
