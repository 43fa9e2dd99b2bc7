//! What a configuration may say, and how each fault of one is told.

use super::*;

fn built(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let pairs = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    build(Path::new("test.toml"), text, pairs, Overrides::default())
        .map_err(|error| error.to_string())
}

#[test]
fn the_demo_and_the_example_are_valid() {
    let demo = built(DEMO, &[]).unwrap();
    assert_eq!(demo.sales.len(), 1);
    assert_eq!(demo.sales[0].name.as_str(), "demo");
    assert_eq!(demo.data.dir.0, Path::new("data"));
    assert_eq!(demo.server.listen.0.to_string(), "127.0.0.1:8080");
    assert_eq!(demo_sales(), demo.sales);
    let example = built(include_str!("../../../config/example.toml"), &[]).unwrap();
    assert!(!example.sales.is_empty());
}

/// With `RUSHGATE_WRITE_DOCS` set, both files are written instead of compared:
/// `cargo xtask config`.
#[test]
fn the_manual_and_the_example_say_of_every_key_what_its_section_declares() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (manual, example) = (root.join("docs/operations.md"), root.join("config/example.toml"));
    let [said, shown] = [&manual, &example].map(|path| std::fs::read_to_string(path).unwrap());
    let (in_manual, in_example) = (described(&said, true), described(&shown, false));
    if std::env::var_os("RUSHGATE_WRITE_DOCS").is_some() {
        std::fs::write(manual, in_manual).unwrap();
        std::fs::write(example, in_example).unwrap();
        return;
    }
    let advice = "run `cargo xtask config`";
    assert!(in_manual == said, "docs/operations.md is not up to date: {advice}");
    assert!(in_example == shown, "config/example.toml is not up to date: {advice}");
}

#[test]
fn later_sources_win() {
    let text = "[server]\nlisten = \"127.0.0.1:1\"\nops_listen = \"127.0.0.1:2\"\n";
    let pairs = [
        ("RUSHGATE__SERVER__OPS_LISTEN", "127.0.0.1:3"),
        ("RUSHGATE__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("RUSHGATE__SERVER__CONNECTIONS_MAX", "77"),
        ("RUSHGATE__DATA__DIR", "/from/environment"),
    ];
    let overrides = Overrides { data: Some("/from/cli".to_owned()), ..Overrides::default() };
    let pairs = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    let config = build(Path::new("t"), text, pairs, overrides).unwrap();
    assert_eq!(config.server.listen.0.port(), 1);
    assert_eq!(config.server.ops_listen.0.port(), 3);
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.server.connections_max.get(), 77);
    assert_eq!(config.data.dir.0, Path::new("/from/cli"));
    assert!(config.sales.is_empty(), "a file without sales has none, not the demo");
}

#[test]
fn a_public_origin_is_read_and_anything_more_is_refused() {
    let config = built("[server]\npublic_origin = \"https://shop.example\"\n", &[]).unwrap();
    assert!(config.to_text().contains("public_origin = \"https://shop.example\""));
    let error = built("[server]\npublic_origin = \"https://shop.example/s\"\n", &[]);
    let part = "server.public_origin: found \"https://shop.example/s\", allowed: a scheme";
    assert!(error.clone().unwrap_err().contains(part), "{error:?}");
}

#[test]
fn every_problem_names_its_key_its_value_and_what_is_allowed() {
    let text = r#"
        typo = 1
        [server]
        listen = "nowhere"
        colour = "red"
        [arbiter]
        kind = "etcd"
        [keys]
        secret = "short and secret"
        [[sale]]
        id = "BAD"
        order = "draw"
    "#;
    let error = built(text, &[("RUSHGATE__SERVER__CONNECTIONS_MAX", "-5"), ("RUSHGATE__X", "1")]);
    let error = error.unwrap_err();
    for part in [
        "server.listen: found \"nowhere\", allowed: an address and port",
        "server.colour: unknown key; known keys: listen, ",
        "server.connections_max: found \"-5\" in RUSHGATE__SERVER__CONNECTIONS_MAX, allowed: a whole",
        "arbiter.kind: found \"etcd\", allowed: local",
        "keys.secret: found (hidden, 16 bytes), allowed: 32 to 1024 bytes",
        "sale[0].id: found \"BAD\"",
        "sale[0].order: found \"draw\", allowed: arrival (draw is not available in this version)",
        "sale[0].offer: found 0 offers",
        "typo: unknown key; known keys: ",
        "RUSHGATE__X: this variable names no key; use RUSHGATE__SECTION__KEY",
    ] {
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
    assert!(!error.contains("short and secret"), "a secret is never shown");
}

#[test]
fn a_key_says_what_is_allowed_there_whatever_stands_there_instead() {
    let text = r#"
        [server]
        cookie_secure = "yes"
        connections_max = "many"
        listen = 80
        trusted_proxies = 10
        [arbiter]
        kind = 7
        [keys]
        operator = 1234567890123456
        backend = [1234567890123456, "short"]
        secret = { a = "hidden-in-a-table" }
        [redis]
        url = ["redis://user:hunter2@redis"]
    "#;
    let error = built(text, &[]).unwrap_err();
    for part in [
        "server.cookie_secure: found \"yes\", allowed: true or false",
        "server.connections_max: found \"many\", allowed: a whole number from 1 to 1000000",
        "server.listen: found 80, allowed: an address and port",
        "server.trusted_proxies: found 10, allowed: addresses or networks",
        "arbiter.kind: found 7, allowed: local, redis",
        "keys.operator: found something hidden that is no text, allowed: a key is 16 to 256",
        "keys.backend: found something hidden that is no text, allowed: a key is 16 to 256",
        "keys.backend: found (hidden, 5 bytes), allowed: a key is 16 to 256",
        "keys.secret: found something hidden that is no text, allowed: 32 to 1024 bytes",
        "redis.url: found something hidden that is no text, allowed: a redis://",
    ] {
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
    for secret in ["1234567890123456", "short", "hidden-in", "hunter2"] {
        assert!(!error.contains(secret), "{secret} is shown: {error}");
    }
    assert_eq!(error.lines().count(), 11, "{error}");
    let error = built("redis = \"redis://user:hunter2@redis\"\n", &[]).unwrap_err();
    assert!(error.contains("redis: found a single value, allowed: a table"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn every_wrong_element_of_a_list_is_told() {
    let text = r#"
        [server]
        trusted_proxies = ["10.0.0.0/8", "nowhere", "::1", "300.0.0.1"]
        cors_origins = ["https://a.example/path", "https://b.example"]
        [keys]
        operator = ["operator-key-one-1", "short", "operator-key-two-2", "tiny"]
    "#;
    let error = built(text, &[("RUSHGATE__LIMITS__EXEMPT", "x, 10.0.0.0/8, y/9")]).unwrap_err();
    for part in [
        "server.trusted_proxies: found \"nowhere\", allowed: addresses or networks",
        "server.trusted_proxies: found \"300.0.0.1\", allowed: addresses or networks",
        "server.cors_origins: found \"https://a.example/path\", allowed: exact origins",
        "keys.operator: found (hidden, 5 bytes), allowed",
        "keys.operator: found (hidden, 4 bytes), allowed",
        "limits.exempt: found \"x\" in RUSHGATE__LIMITS__EXEMPT, allowed",
        "limits.exempt: found \"y/9\" in RUSHGATE__LIMITS__EXEMPT, allowed",
    ] {
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
    assert_eq!(error.lines().count(), 8, "nothing else is wrong: {error}");
}

#[test]
fn a_secret_that_is_set_but_empty_is_refused_with_the_variable_that_is_empty() {
    for (variable, found, allowed) in [
        ("KEYS__OPERATOR", "keys.operator: found no key", "a key is 16 to 256 visible ASCII"),
        ("KEYS__BACKEND", "keys.backend: found no key", "a key is 16 to 256 visible ASCII"),
        ("KEYS__SECRET", "keys.secret: found (hidden, 0 bytes)", "32 to 1024 bytes"),
        ("KEYS__PREVIOUS_SECRET", "keys.previous_secret: found (hidden, 0", "32 to 1024 bytes"),
        ("KEYS__IDENTITY_SECRET", "keys.identity_secret: found (hidden, 0", "32 to 1024 bytes"),
        ("PIPELINE__WEBHOOK_SECRET", "webhook_secret: found (hidden, 0", "16 to 1024 bytes"),
        ("PIPELINE__REDIS_URL", "pipeline.redis_url: found (hidden, 0", "redis://"),
        ("REDIS__URL", "redis.url: found (hidden, 0 bytes)", "a redis:// or rediss:// URL"),
    ] {
        let variable = format!("RUSHGATE__{variable}");
        let error = built("", &[(&variable, "")]).unwrap_err();
        assert!(error.contains(found), "{error}");
        let rest = format!(" in {variable}, allowed: {allowed}");
        assert!(error.contains(&rest), "{rest:?} is missing in:\n{error}");
        assert_eq!(error.lines().count(), 2, "nothing else is wrong: {error}");
    }
    let file = "[keys]\noperator = \"operator-key-one-1\"\nbackend = []\n";
    for empty in ["", " , "] {
        let error = built(file, &[("RUSHGATE__KEYS__OPERATOR", empty)]).unwrap_err();
        for found in ["operator: found no key in RUSHGATE__", "backend: found no key, allowed"] {
            assert!(error.contains(found), "the file's key is no way out: {error}");
        }
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_line() {
    let error = built("[server\n", &[]).unwrap_err();
    assert!(error.contains("test.toml is not TOML: line 1, column 8: "), "{error}");
    for line in [
        "secret = \"hunter2-hunter2\\q\"",
        "secret = \"hunter2-hunter2",
        "secret = hunter2-hunter2",
        "secret = \"a\" hunter2-hunter2",
        "operator = [\"hunter2-hunter2\", hunter2-hunter2]",
    ] {
        let error = built(&format!("[keys]\n{line}\n"), &[]).unwrap_err();
        assert!(error.contains("is not TOML: line 2, column "), "{error}");
        assert!(!error.contains("hunter2"), "the line may hold a secret: {error}");
    }
}

#[test]
fn keys_may_be_one_text_or_a_list_and_the_resolved_text_masks_them() {
    let text = r#"
        [keys]
        operator = ["operator-key-one-1", "operator-key-two-2"]
        backend = "backend-key-one-1"
        secret = "0123456789abcdef0123456789abcdef"
        [redis]
        url = "redis://user:hunter2@redis:6379"
    "#;
    let config = built(text, &[]).unwrap();
    assert_eq!((config.keys.options().operator.len(), config.keys.options().backend.len()), (2, 1));
    let shown = config.to_text();
    for secret in ["operator-key", "backend-key", "0123456789abcdef", "hunter2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(!format!("{config:?}").contains("operator-key"));
    let back: toml::Table = toml::from_str(&shown).unwrap();
    assert_eq!(back["server"]["listen"].as_str(), Some("127.0.0.1:8080"));
}

#[test]
fn a_redis_stream_is_read_with_its_password_masked_and_its_mistakes_named() {
    let text = r#"
        [pipeline]
        sink = "redis_stream"
        redis_url = "rediss://rushgate:hunter2@redis:6379/1"
        redis_stream_max = 5000
    "#;
    let config = built(text, &[("RUSHGATE__PIPELINE__REDIS_GROUPS", "workers, audit")]).unwrap();
    let [Sink::RedisStream(stream)] = &config.pipeline.sinks()[..] else { panic!("{config:?}") };
    assert_eq!((stream.stream.as_str(), stream.stream_max), ("rushgate:orders", 5_000));
    assert_eq!(stream.groups, ["workers", "audit"]);
    let shown = config.to_text();
    assert!(shown.contains("redis_url = \"rediss://…@redis:6379/1\""), "{shown}");
    assert!(!shown.contains("hunter2") && !format!("{config:?}").contains("hunter2"));

    let text = r#"
        [pipeline]
        sink = "redis_stream"
        redis_url = "redis://hunter2@redis"
        redis_stream = "no spaces"
        redis_groups = ["fine", "not fine"]
        redis_stream_max = 0
    "#;
    let error = built(text, &[]).unwrap_err();
    for part in [
        "pipeline.redis_url: found (hidden, 21 bytes), allowed: redis://",
        "pipeline.redis_stream: found \"no spaces\", allowed: 1 to 256 letters",
        "pipeline.redis_groups: found \"not fine\", allowed: a name or a list",
        "pipeline.redis_stream_max: found 0, allowed: a whole number from 100",
    ] {
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
    let error = built("[pipeline]\nsink = \"redis_stream\"\n", &[]).unwrap_err();
    assert!(error.contains("pipeline.redis_url: found nothing, allowed: redis://"), "{error}");
}

#[test]
fn several_sinks_are_a_list_of_different_ones_and_each_needs_its_keys() {
    let text = "[pipeline]\nsink = [\"log\", \"redis_stream\"]\nredis_url = \"redis://a\"\n";
    let config = built(text, &[]).unwrap();
    let names: Vec<_> =
        config.pipeline.sinks().iter().map(|sink| sink.name().to_string()).collect();
    assert_eq!(names, ["log", "redis_stream"]);
    assert!(config.to_text().contains("sink = [\"log\", \"redis_stream\"]"));
    assert!(built("[pipeline]\nsink = []\n", &[]).unwrap().pipeline.sinks().is_empty());

    let allowed = "allowed: log, webhook, redis_stream or a list of them, each once";
    for (list, found) in [("[\"log\", \"log\"]", "log twice"), ("\"fax\"", "\"fax\"")] {
        let error = built(&format!("[pipeline]\nsink = {list}\n"), &[]).unwrap_err();
        assert!(error.contains(&format!("pipeline.sink: found {found}, {allowed}")), "{error}");
    }
    let both = [("RUSHGATE__PIPELINE__SINK", "redis_stream,webhook")];
    let error = built("[pipeline]\nwebhook_events = []\n", &both).unwrap_err();
    for part in [
        "pipeline.webhook_url: found nothing, allowed: an http://",
        "pipeline.webhook_secret: found nothing, allowed: 16 to 1024 bytes",
        "pipeline.redis_url: found nothing, allowed: redis://",
        "pipeline.webhook_events: found an empty list, allowed: a list of held, paying",
    ] {
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
}

#[test]
fn tokens_of_the_shop_need_keys_an_issuer_and_an_audience() {
    let text = r#"
        [jwt]
        jwks = "https://shop.example/keys.json"
        issuer = "https://shop.example"
        audience = ["rushgate", "other"]
        algorithms = "ES256"
    "#;
    let config = built(text, &[("RUSHGATE__JWT__FRESH_SECONDS", "60")]).unwrap();
    let accounts = config.jwt.options().unwrap();
    assert_eq!((accounts.audience.len(), accounts.fresh_max.as_secs()), (2, 60));
    let shown = config.to_text();
    assert!(shown.contains("algorithms = [\"ES256\"]"), "{shown}");
    assert!(built("", &[]).unwrap().jwt.options().is_none());

    let text = r#"
        [jwt]
        jwks = "ftp://shop.example/keys.json"
        issuer = "rushgate"
        algorithms = ["HS256"]
        stale_seconds = 10
    "#;
    let error = built(text, &[]).unwrap_err();
    for part in [
        "jwt.jwks: found \"ftp://shop.example/keys.json\", allowed: an http:// or https://",
        "jwt.issuer: found \"rushgate\", allowed: the iss of the shop's tokens",
        "jwt.audience: found nothing, allowed: a name or a list",
        "jwt.algorithms: found \"HS256\", allowed: a list of EdDSA, ES256 and RS256",
        "jwt.stale_seconds: found 10, allowed: at least fresh_seconds, which is 300",
    ] {
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
    for line in ["revoked_file = \"/revoked\"", "cookie = \"session\"", "tls_ca = \"/ca\""] {
        let error = built(&format!("[jwt]\n{line}\n"), &[]).unwrap_err();
        for key in ["jwks", "issuer", "audience"] {
            assert!(error.contains(&format!("jwt.{key}: found nothing")), "{line}: {error}");
        }
    }
    let sale = "[[sale]]\nid = \"a\"\nidentity = \"jwt\"\n[[sale.offer]]\nsku = \"a\"\n\
                total = 1\nprice = 1\ncurrency = \"KRW\"\n";
    let error = built(sale, &[]).unwrap_err();
    assert!(error.contains("sale[0].identity: found \"jwt\", allowed: jwt only with"), "{error}");
}

#[test]
fn a_node_of_many_has_a_name_and_the_secret_of_all() {
    let error = built("[arbiter]\nkind = \"redis\"\n", &[]).unwrap_err();
    assert!(error.contains("server.node: found nothing, allowed: a name of its own"), "{error}");
    assert!(error.contains("keys.secret: found nothing, allowed: the same secret"), "{error}");
    let text = r#"
        [server]
        node = "a"
        [arbiter]
        kind = "redis"
        [redis]
        deadline_ms = 250
        [keys]
        secret = "0123456789abcdef0123456789abcdef"
    "#;
    let config = built(text, &[]).unwrap();
    assert_eq!(
        (config.arbiter.kind, config.redis.deadline_ms.get().as_millis()),
        (ArbiterKind::Redis, 250)
    );
    let shown = config.to_text();
    assert!(shown.contains("kind = \"redis\"") && shown.contains("node = \"a\""), "{shown}");
}

#[test]
fn what_pays_and_keeps_pictures_is_configured_whole_or_not_at_all() {
    let text = r#"
        [shop]
        zone = "Europe/Berlin"
        reminder_hours = [48, 2]
        receivers_kept_years = 7
        [deals]
        overbook_percent = 150
        [payments.kakaopay]
        cid = "TC0ONETIME"
        [media]
        dir = "/srv/media"
        s3_endpoint = "https://s3.example"
    "#;
    let environment = [("RUSHGATE__PAYMENTS__KAKAOPAY__KEY", "hush-hush")];
    let error = built(text, &environment).unwrap_err();
    for part in [
        "media.s3_bucket: found nothing, allowed: media.s3_endpoint and media.s3_bucket",
        "media.s3_secret_key: found nothing",
        "media.dir: found \"/srv/media\", allowed: no folder beside an object store",
    ] {
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
    assert!(!error.contains("payments"), "{error}");
    let text = text.replace("s3_endpoint", "# s3_endpoint");
    let config = built(&text, &environment).unwrap();
    assert_eq!(config.shop.reminders(), trade::reminder::Times::new(&[48, 2].map(hours)));
    assert_eq!(Some(config.shop.retention()), trade::order::Retention::of_years(7));
    let shown = config.to_text();
    for part in ["zone = \"Europe/Berlin\"", "[payments.kakaopay]", "dir = \"/srv/media\""] {
        assert!(shown.contains(part), "{part} is missing in:\n{shown}");
    }
    assert!(!shown.contains("hush-hush"), "{shown}");
    for (faulty, part) in [
        ("[payments.card]\nkey = \"hidden\"", "payments.card.url: found nothing"),
        ("[shop]\nzone = \"Mars/Olympus\"", "shop.zone: found \"Mars/Olympus\", allowed: a zone"),
        ("[shop]\nreminder_hours = [1, 1]", "shop.reminder_hours: found [1, 1], allowed: each"),
        (
            "[shop]\nreceivers_kept_years = 0",
            "shop.receivers_kept_years: found 0, allowed: a whole",
        ),
        ("[shop]\nreminder_hours = [0]", "shop.reminder_hours: found 0, allowed: whole numbers"),
    ] {
        let error = built(faulty, &[]).unwrap_err();
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
}

fn hours(hours: u64) -> std::time::Duration {
    std::time::Duration::from_hours(hours)
}
