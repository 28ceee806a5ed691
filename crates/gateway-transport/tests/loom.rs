//! Every interleaving of a rotation with requests, on the real lock and the real pool.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p gateway-transport --test loom --release`
#![cfg(loom)]

use gateway_transport::loom_model::{Model, Outcome};
use loom::{sync::Arc, thread};

#[test]
fn no_exchange_starts_on_an_old_generation_after_rotate_returned() {
    loom::model(|| {
        let model = Arc::new(Model::with_idle(1));
        let worker = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                // It may get the old connection, as long as rotate has not returned.
                if let Outcome::Granted {
                    connection, lease, ..
                } = model.check_out()
                {
                    model.check_in(connection, lease);
                }
            })
        };
        model.rotate(2);
        if let Outcome::Granted { generation, .. } = model.check_out() {
            assert_eq!(generation, 2);
        }
        worker.join().expect("the worker does not panic");
        assert!(
            model
                .idle_generations()
                .into_iter()
                .all(|generation| generation == 2)
        );
    });
}

#[test]
fn one_idle_connection_is_never_given_to_two() {
    loom::model(|| {
        let model = Arc::new(Model::with_idle(1));
        let other = {
            let model = Arc::clone(&model);
            thread::spawn(move || matches!(model.check_out(), Outcome::Granted { .. }))
        };
        let ours = matches!(model.check_out(), Outcome::Granted { .. });
        let theirs = other.join().expect("the worker does not panic");
        assert!(ours != theirs, "one gets it, the other waits");
    });
}

#[test]
fn a_connect_that_races_with_a_rotation_ends_up_in_no_pool_or_in_the_right_one() {
    loom::model(|| {
        let model = Arc::new(Model::with_idle(0));
        let Outcome::Queued {
            ticket: Some(ticket),
            receiver,
        } = model.check_out()
        else {
            panic!("an empty pool orders a connect");
        };
        let worker = {
            let model = Arc::clone(&model);
            thread::spawn(move || model.connected(ticket))
        };
        let ordered = model.rotate(2);
        worker.join().expect("the worker does not panic");
        // Served by the old one before the rotation, or waiting for a connect that the rotation ordered.
        assert!(receiver.was_served() || ordered == 1);
        assert!(
            model
                .idle_generations()
                .into_iter()
                .all(|generation| generation == 2)
        );
    });
}
