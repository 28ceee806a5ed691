//! The example program, run against the testkit's upstreams.

use gateway_testkit::dialect::Dialects;
use gateway_testkit::upstream::Upstream;

#[path = "../../examples/share.rs"]
#[expect(dead_code, reason = "the program's `main` is not called here")]
mod share;

#[tokio::test]
async fn the_example_shares_its_calls_between_two_servers() {
    let dialects = Dialects::default();
    let answering = move |request: &_| dialects.answer(request);
    let (one, two) = (
        Upstream::answering(answering.clone()).await,
        Upstream::answering(answering).await,
    );
    let bases = [format!("{}/v1", one.url()), format!("{}/v1", two.url())];
    let answers = share::share(&bases, 20).await.expect("answers");
    assert_eq!(answers.len(), 20);
    assert_eq!(one.requests().len() + two.requests().len(), 20);
    assert!(!one.requests().is_empty() && !two.requests().is_empty());
}
