//! What is otherwise than in LiteLLM, on purpose: the table behind `docs/differences.md` and `migrate`.

/// One difference. The texts are in Markdown, without a full stop.
#[derive(Debug)]
pub(super) struct Difference {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the page is made of it, by a test")
    )]
    pub(super) topic: &'static str,
    pub(super) here: &'static str,
    pub(super) in_litellm: &'static str,
    pub(super) because: &'static str,
    /// How to get LiteLLM's way, where that makes sense.
    pub(super) back: Option<&'static str>,
    /// The keys of a configuration that it is about (`section.key`, or `section.key=value`); none: it holds for every one.
    pub(super) keys: &'static [&'static str],
}

macro_rules! differences {
    ($( $topic:literal { $( $here:literal
        in_litellm $there:literal
        because $why:literal
        $(back $back:literal)?
        $(keys $($key:literal),+)? ; )* } )*) => {
        /// All of them, in the order of the page.
        pub(super) static DIFFERENCES: &[Difference] = &[ $($( Difference {
            topic: $topic,
            here: $here,
            in_litellm: $there,
            because: $why,
            back: differences!(@back $($back)?),
            keys: &[$($($key),+)?],
        }, )*)* ];
    };
    (@back) => { None };
    (@back $back:literal) => { Some($back) };
}

differences! {
    "Time" {
        "`timeout` of a request or the router bounds the whole call, with all retries and fallbacks"
            in_litellm "the longest silence of each attempt: `timeout: 1` with two retries and a fallback takes 16 s"
            because "it is what the documentation promises"
            back "`router_settings.timeout_scope: attempt`"
            keys "router_settings.timeout", "litellm_settings.request_timeout";
        "a deployment's `timeout` bounds the attempt to its last byte, streams included: one that takes longer ends with an error event"
            in_litellm "any byte restarts it, and streams with a `stream_timeout` have none"
            because "a body that trickles is not in time"
            back "a large `timeout`, and `stream_timeout` and `stream_idle_timeout` against silence"
            keys "litellm_params.timeout", "litellm_params.request_timeout";
        "`stream_timeout` bounds the time to the first content; pings, comments and empty frames are none"
            in_litellm "any byte stops or restarts it"
            because "a ping is no answer"
            keys "router_settings.stream_timeout", "litellm_params.stream_timeout", "router_settings.ttft_timeout", "litellm_params.ttft_timeout";
        "`stream_idle_timeout` (300 s) bounds silence between contents"
            in_litellm "`stream_timeout` does, sometimes"
            because "two things need two names"
            back "a large value"
            keys "router_settings.stream_idle_timeout", "litellm_params.stream_idle_timeout";
        "`0` expires at once"
            in_litellm "`0` means \"not set\""
            because "what is written holds"
            back "leave the key out";
        "`/v1/messages` has the same timers as every endpoint"
            in_litellm "its own chain, 600 s"
            because "one rule";
        "`mock_timeout` works on every endpoint and with whole numbers"
            in_litellm "chat and completions; whole numbers sleep 0 s"
            because "it is there to test timeouts"
            keys "litellm_params.mock_timeout";
        "who has the master key may use mocks"
            in_litellm "nobody without `dangerously_allow_mock_testing_request_params`"
            because "it is no more than the key allows anyway"
            keys "general_settings.dangerously_allow_mock_testing_request_params";
    }
    "Retries and fallbacks" {
        "a deployment's `max_retries` is the number of retries"
            in_litellm "it multiplies with `num_retries`"
            because "five means five"
            keys "litellm_params.max_retries";
        "no wait after the last attempt"
            in_litellm "2 to 3 s are slept, then the error comes"
            because "nobody gains by it";
        "a wait that does not fit into the call's time is not begun"
            in_litellm "it is slept"
            because "the call would be over";
        "`Retry-After` in seconds, as a date and as `retry-after-ms`, up to what the call has left"
            in_litellm "whole seconds or a date, up to 60 s"
            because "the provider knows best"
            keys "router_settings.retry_after";
        "what clients are told is clamped to 1–60 s"
            in_litellm "the provider's value, if any"
            because "SDKs obey without a limit";
        "a request whose connection was lost after it had been written is not sent again in its `order` level, and nowhere if doing the work twice may do harm"
            in_litellm "it is"
            because "the provider may have done, and billed, the work";
        "retries beyond 20 % of a group's calls (and 10 a second) are not made"
            in_litellm "all are"
            because "a provider that is down does not recover under three times its load"
            back "`gateway.retry_budget: {share: 10}`"
            keys "router_settings.num_retries", "litellm_settings.num_retries", "router_settings.retry_policy";
        "`max_fallbacks` counts the groups a call falls back to"
            in_litellm "it bounds their nesting"
            because "so it is documented"
            keys "router_settings.max_fallbacks", "litellm_settings.max_fallbacks";
        "the library's own retries (`x-stainless-retry-count`) count"
            in_litellm "three times three sends"
            because "one user, one patience";
    }
    "Health" {
        "a refused connection counts for every provider"
            in_litellm "depends on the provider's error class"
            because "a dead host is dead"
            back "`disable_cooldowns: true`";
        "after its time, one probe decides, and the time doubles on failure"
            in_litellm "all traffic returns at once"
            because "a failing deployment costs one call, not a burst"
            keys "router_settings.cooldown_time", "litellm_settings.cooldown_time", "litellm_params.cooldown_time";
        "ten failures in a row set aside, too"
            in_litellm "only more than half of a minute's calls do"
            because "who served ten thousand calls and dies need not fail ten thousand more"
            back "`allowed_fails`"
            keys "router_settings.allowed_fails", "litellm_settings.allowed_fails";
        "failures of calls that began before a deployment was set aside count no more"
            in_litellm "each one counts"
            because "one outage is one piece of news";
        "all down: 503, or 429 if rates are the cause"
            in_litellm "always 429"
            because "clients back off for the right reason";
        "a timer that a caller chose sets nobody aside"
            in_litellm "the same since 1.99.2, in part"
            because "one impatient caller must not bench a deployment for all";
    }
    "Choosing a deployment" {
        "`rpm` and `tpm` do not limit attempts side by side"
            in_litellm "without `max_parallel_requests` they do"
            because "a rate says nothing about that"
            back "`max_parallel_requests`"
            keys "litellm_params.rpm", "litellm_params.tpm";
        "`latency-based-routing` explores an unknown deployment with one call at a time"
            in_litellm "all calls go there until one has been answered"
            because "an unknown one may be a slow one"
            keys "router_settings.routing_strategy=latency-based-routing";
        "any failure of a deployment counts as a very slow answer, for a minute"
            in_litellm "a timeout does, for the `ttl` (an hour)"
            because "who fails fast must not look fast, and one bad minute must not last an hour"
            keys "router_settings.routing_strategy=latency-based-routing";
        "tags choose among all deployments of a group"
            in_litellm "among those that are not set aside"
            because "a tagged call must not slip to `default` because its deployments cool down"
            keys "router_settings.enable_tag_filtering";
        "deployments without `order` come after those with one"
            in_litellm "they are not tried when those have failed"
            because "they are there"
            keys "litellm_params.order";
        "without a `default`, calls without tags go to who has no `tag_regex`"
            in_litellm "a client that no pattern matches is refused"
            because "the others are for everybody"
            keys "litellm_params.tag_regex";
        "prices and context windows are those of a table that is built in, and never fetched; unknown is absent, not 0"
            in_litellm "the table is fetched at the start, and unknown costs nothing"
            because "a start must not hang on a network, and a wrong 0 hides a bill"
            back "`max_input_tokens`, `input_cost_per_token` and their kin go before it"
            keys "router_settings.routing_strategy=cost-based-routing", "router_settings.enable_pre_call_checks";
        "regions are those of the configuration"
            in_litellm "those of the provider, too"
            because "a name tells no place"
            back "`region_name`"
            keys "litellm_params.region_name";
    }
    "Translation" {
        "what cannot be expressed is a 400 that names it, or is left out and named in `x-gateway-dropped-params`"
            in_litellm "some of it is left out in silence"
            because "a client should know what it did not get"
            back "`drop_params`"
            keys "litellm_settings.drop_params", "litellm_params.drop_params";
        "order of text and tool calls is kept; a failed tool result stays one; a filter is a refusal and not a length cut"
            in_litellm "lost on some ways"
            because "agents act on them";
        "tool names that a provider does not take are shortened and mapped back"
            in_litellm "some are refused by the provider"
            because "MCP's names are long";
        "a provider's `Retry-After` reaches the client; an error before the first content is a status on every front end"
            in_litellm "on some routes only"
            because "SDKs wait and retry by them";
        "`count_tokens` of providers that do not count is an estimate, marked `x-gateway-estimated`"
            in_litellm "a local tokenizer's, unmarked"
            because "who plans by it should know";
        "signatures of thoughts carry their maker's name through foreign clients"
            in_litellm "they go to whoever is next"
            because "another maker refuses them";
        "what `thinking` and efforts become where the model takes budgets: Google's own figures for Gemini (1,024, 8,192, 24,576), LiteLLM's for Claude; efforts that a model has not become the nearest; budgets become adaptive thinking at models that prefer it"
            in_litellm "smaller budgets for Gemini; unknown efforts are refused; `budget_tokens` is passed where it is deprecated"
            because "the providers' documentation";
        "thinking is left out, and told, where the request forbids it: a forced tool, `max_tokens` below the least budget, a call whose thoughts are gone"
            in_litellm "sent; the provider refuses it, or the forced tool becomes a free choice"
            because "the answer that was asked for is more than the thoughts";
        "`response_format: json_object` is asked for in words at Anthropic and Bedrock, and told"
            in_litellm "not passed on"
            because "a client that parses JSON gets JSON";
        "schemas go to Gemini as JSON Schema, to Claude with `$ref`"
            in_litellm "cut down to OpenAPI's subset, without enums that have no type, `const`, `oneOf`; references written out"
            because "both take them whole";
        "n, seed, penalties that a provider has not: 400 only if they change the answer; 0 and 1 where that is the default, `store: false`, `prompt_cache_key`, `verbosity`, `prediction` never"
            in_litellm "each is a 400"
            because "nothing is lost by them";
        "addresses of images and files are passed to the provider; where it takes none (Bedrock), 400"
            in_litellm "fetched by the proxy and sent as Base64"
            because "a gateway that fetches what callers name reaches into its own network"
            back "send Base64";
        "a system message in the middle becomes the user's words in `<system>` at Anthropic and Bedrock, and told"
            in_litellm "the user's words with a note in English"
            because "shorter, and marked at both ends";
        "a stream or answer that a filter stopped keeps what was said, and its usage"
            in_litellm "Gemini's text and thinking tokens are dropped"
            because "it was sent, and billed";
        "usage has what the provider counted"
            in_litellm "`reasoning_tokens` are estimated from the text of thoughts"
            because "an estimate is no count";
        "arguments in the history that are no JSON reach the provider as a text that shows them"
            in_litellm "400, 500 or an empty object, by provider"
            because "the model sees what it wrote";
        "`functions` and `function_call` work with every provider"
            in_litellm "refused except by OpenAI"
            because "old clients live long";
        "parameters that one of OpenAI's models refuses are left out with `drop_params`; else OpenAI answers"
            in_litellm "refused by the proxy"
            because "OpenAI knows its models";
        "streams of Gemini's clients get no comments"
            in_litellm "heartbeats"
            because "Google's SDK dies of them";
    }
    "Streams and errors" {
        "`model` of an answer is the name that was asked for, always"
            in_litellm "except after fallbacks"
            because "a client compares it with what it sent; `x-litellm-model-name` has the provider's";
        "a stream without its terminal marker ends with an error event"
            in_litellm "it passes as a success on several routes"
            because "a client cannot tell the two apart";
        "errors come in the dialect of the endpoint, also for a missing key on `/v1/messages`"
            in_litellm "some come in OpenAI's"
            because "SDKs parse their own dialect";
        "after an error event there is no `[DONE]`"
            in_litellm "there is"
            because "it is not done";
        "an unreachable provider is 502"
            in_litellm "500"
            because "it says whose fault it is";
        "no debug text of the router in error messages"
            in_litellm "appended by default"
            because "it belongs in the log";
        "tags that no deployment has: 400"
            in_litellm "401"
            because "the key is fine";
    }
    "Connections and keys" {
        "`client_ttl` is the age at which connections are replaced; streams on the old ones run to their end"
            in_litellm "the setting is stored and never read; a fixed 3600 s"
            because "streams must not die of a timer that nobody asked for"
            keys "router_settings.client_ttl";
        "two different keys in `Authorization` and `x-api-key` are refused"
            in_litellm "the first counts"
            because "the other may be the one that was checked on the way";
        "a master key that is unset, empty or `sk-1234`: loopback only"
            in_litellm "refused at the start"
            because "a first look should not need a key"
            keys "general_settings.master_key=sk-1234";
        "callers cannot choose `api_base` or `api_key` of a call"
            in_litellm "with `configurable_clientside_auth_params` they can"
            because "a gateway that sends keys where a caller says is a leak"
            keys "litellm_params.configurable_clientside_auth_params";
    }
    "Operations" {
        "`/health` calls nobody; `?probe=true` does"
            in_litellm "every look at it is a paid call to every deployment, unless checks run in the background"
            because "a monitor must not cost money";
        "`/metrics` needs no key"
            in_litellm "the newest releases ask for one"
            because "scrapers of older set-ups have none, and it has no secrets"
            back "`require_auth_for_metrics_endpoint: true`"
            keys "litellm_settings.require_auth_for_metrics_endpoint";
        "`/health/drain` exists only with a token"
            in_litellm "`enable_drain_endpoint` alone opens it to everybody"
            because "whoever finds it could take the process out of service"
            keys "general_settings.enable_drain_endpoint";
        "liveness stays 200 while the process drains"
            in_litellm "503"
            because "a restart would cut what is being drained";
        "a changed file is taken at once, or refused as a whole"
            in_litellm "a restart is needed"
            because "nothing that runs notices"
            back "`gateway.reload.watch: false`";
    }
}

#[cfg(test)]
mod tests;
