//! Whether a task is inside a write to the database.
//!
//! A write may run twice, and while it lasts it holds a lock. So no call to another service is made in
//! one: `store` marks its writes here, and `outbound` refuses to call from there. Both stand on this
//! module, and neither on the other.

use tokio::task_local;

task_local! {
    static WRITING: ();
}

/// Runs a future as part of a write.
pub async fn within<T>(write: impl Future<Output = T>) -> T {
    WRITING.scope((), write).await
}

/// Whether the current task is inside one.
pub fn is_inside() -> bool {
    WRITING.try_with(|()| ()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_is_seen_from_inside_only() {
        assert!(!is_inside());
        within(async {
            assert!(is_inside());
            tokio::task::yield_now().await;
            assert!(is_inside());
        })
        .await;
        assert!(!is_inside());
    }
}
