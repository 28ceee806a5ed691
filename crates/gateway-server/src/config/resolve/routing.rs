//! What the router decides by: single values, from files, variables and flags.

use super::super::problem::{Code, Place, Report};
use super::{Facts, seconds};
use gateway_router::{Origin, RouterTimers, Routing, Strategy, TagFiltering, TimeoutScope, Timer};

impl Facts<'_> {
    /// Completes what is `written` in lists and mappings.
    pub(super) fn routing(&self, written: Routing, report: &mut Report) -> Routing {
        let (router, litellm) = (&self.said.router_settings, &self.said.litellm_settings);
        let gateway = &self.said.gateway;
        let mut routing = Routing {
            strategy: self.strategy(report),
            timers: self.timers(report),
            tags: TagFiltering {
                enabled: router.enable_tag_filtering,
                any: router.tag_filtering_match_any.unwrap_or(true),
            },
            pre_call_checks: router.enable_pre_call_checks,
            weighted_failover: router.enable_weighted_failover,
            continuation: router.enable_mid_stream_fallback_continuation,
            default_max_parallel: router.default_max_parallel_requests,
            max_waiting: gateway.max_waiting_per_deployment,
            ..written
        };
        let (retries, cooldown) = (&mut routing.retries, &mut routing.cooldown);
        if let Some(count) = router.num_retries.or(litellm.num_retries) {
            retries.count = count;
        }
        retries.per_call = litellm.num_retries_per_request;
        if let Some(wait) = router.retry_after {
            retries.wait = seconds(wait);
        }
        retries.budget = gateway.retry_budget.share;
        retries.budget_floor = gateway.retry_budget.per_second;
        if let Some(max) = router.max_fallbacks.or(litellm.max_fallbacks) {
            routing.fallbacks.max = max;
        }
        cooldown.disabled = router.disable_cooldowns;
        cooldown.allowed_fails = router.allowed_fails.or(litellm.allowed_fails);
        if let Some(time) = router.cooldown_time.or(litellm.cooldown_time) {
            cooldown.time = seconds(time);
        }
        routing
    }

    pub(super) fn slow_client(&self, report: &Report) -> Timer {
        let limit = self.said.gateway.slow_client_timeout;
        self.timer(limit, "gateway.slow_client_timeout", report)
    }

    fn strategy(&self, report: &mut Report) -> Strategy {
        let (router, path) = (
            &self.said.router_settings,
            "router_settings.routing_strategy",
        );
        let name = router.routing_strategy.as_deref();
        let args = &router.routing_strategy_args;
        let strategy = match name.map(str::to_ascii_lowercase).as_deref() {
            None | Some("simple-shuffle") => Strategy::SimpleShuffle,
            Some("least-busy") => Strategy::LeastBusy,
            Some("latency-based-routing") => {
                return Strategy::Latency {
                    buffer: args.lowest_latency_buffer.unwrap_or(0.0),
                    ttl: seconds(args.ttl.unwrap_or(SAMPLE_SECONDS)),
                };
            }
            Some("usage-based-routing" | "usage-based-routing-v2") => Strategy::Usage,
            Some("cost-based-routing") => Strategy::Cost,
            // The table has checked that it is one of LiteLLM's.
            Some(other) => {
                let message = format!("`{other}` is not there: `simple-shuffle` is used");
                report.warn(Code::IgnoredKey, self.place(path), message);
                Strategy::SimpleShuffle
            }
        };
        if args.ttl.is_some() || args.lowest_latency_buffer.is_some() {
            let place = self.place("router_settings.routing_strategy_args");
            let message = "these arguments change nothing: they are for `latency-based-routing`";
            report.warn(Code::NoEffect, place, message);
        }
        strategy
    }

    fn timers(&self, report: &mut Report) -> RouterTimers {
        let (router, litellm) = (&self.said.router_settings, &self.said.litellm_settings);
        if let (Some(call), Some(other)) = (router.timeout, litellm.request_timeout)
            && seconds(call) != seconds(other)
        {
            let place = self.place("litellm_settings.request_timeout");
            let message = "`router_settings.timeout` bounds the call, and this one changes nothing";
            report
                .warn(Code::NoEffect, place, message)
                .hint("for the time of one attempt there is `timeout` of a deployment");
        }
        let scope = router.timeout_scope.as_deref();
        let mut timers = RouterTimers {
            first_content: self.first_of(
                &[
                    (router.stream_timeout, "router_settings.stream_timeout"),
                    (router.ttft_timeout, "router_settings.ttft_timeout"),
                ],
                report,
            ),
            scope: match scope {
                Some(scope) if scope.eq_ignore_ascii_case("attempt") => TimeoutScope::Attempt,
                _ => TimeoutScope::Call,
            },
            ..RouterTimers::default()
        };
        let idle = self.said.gateway.stream_idle_timeout;
        for (timer, said) in [
            (
                &mut timers.call,
                &[
                    (router.timeout, "router_settings.timeout"),
                    (litellm.request_timeout, "litellm_settings.request_timeout"),
                ][..],
            ),
            (
                &mut timers.idle,
                &[
                    (
                        router.stream_idle_timeout,
                        "router_settings.stream_idle_timeout",
                    ),
                    (Some(idle), "gateway.stream_idle_timeout"),
                ],
            ),
            (
                &mut timers.connect,
                &[(router.connect_timeout, "router_settings.connect_timeout")],
            ),
            (
                &mut timers.pool,
                &[(router.pool_timeout, "router_settings.pool_timeout")],
            ),
        ] {
            if let Some(said) = self.first_of(said, report) {
                *timer = said;
            }
        }
        timers
    }

    fn first_of(&self, candidates: &[(Option<f64>, &str)], report: &Report) -> Option<Timer> {
        let (value, path) = candidates
            .iter()
            .find_map(|(value, path)| Some(((*value)?, *path)))?;
        Some(self.timer(value, path, report))
    }

    fn timer(&self, value: f64, path: &str, report: &Report) -> Timer {
        let place: Option<Place> = self.layers.place(path, self.root);
        Timer {
            limit: seconds(value),
            origin: place.map_or(Origin::Default, |place| {
                Origin::Config(report.describe(&place).into())
            }),
        }
    }
}

/// As in LiteLLM.
const SAMPLE_SECONDS: f64 = 3600.0;
