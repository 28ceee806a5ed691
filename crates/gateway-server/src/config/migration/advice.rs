//! What to do instead of what is not supported.

/// What to do about a consequence of the tables, where something can be done.
pub(super) fn of(consequence: &str) -> Option<&'static str> {
    let row = ADVICE.iter().find(|(known, _)| *known == consequence);
    row.map(|(_, advice)| *advice)
}

const VIRTUAL_KEYS: &str = "keep LiteLLM in front for virtual keys, users and budgets, with this gateway as one of its models; or check callers in a load balancer, and give all of them the master key";
const STATE: &str = "limits, cooldowns and counts are those of one instance: divide limits by the number of instances, or run one instance with more `gateway.workers`";
const PROVIDER_LIMIT: &str = "set a limit of spend at the provider";
const GUARDRAILS: &str = "put the check in front of the gateway, or use the provider's own filters";
const LOGS: &str =
    "take the log (one JSON line for each call) or the metrics to where the callback went";
const RULES: &str = "scrape `/metrics`, and let Prometheus alert";
const PASS: &str = "the pass-through routes reach the provider's own API: docs/pass-through.md";
const SECRETS: &str =
    "let the orchestrator put secrets into variables or files: `os.environ/NAME`, `file:/path`";
const NETWORK: &str = "restrict who reaches the port in the network or the load balancer";
const CLIENT: &str = "say it in the request";

pub(super) const ADVICE: &[(&str, &str)] = &[
    (
        "there is no database: only the master key is accepted, spend and models are not stored",
        VIRTUAL_KEYS,
    ),
    ("there are no virtual keys", VIRTUAL_KEYS),
    ("there are no users", VIRTUAL_KEYS),
    ("there are no teams", VIRTUAL_KEYS),
    ("keys are not limited", VIRTUAL_KEYS),
    ("callers are not limited", VIRTUAL_KEYS),
    ("every caller can use this deployment", VIRTUAL_KEYS),
    ("every caller can use every model", VIRTUAL_KEYS),
    ("there is no single sign-on", VIRTUAL_KEYS),
    (
        "tokens are not accepted, only the master key",
        "check tokens in a load balancer, which sets the master key",
    ),
    (
        "Python code is not run: only the master key is accepted",
        "check callers in a load balancer, which sets the master key",
    ),
    ("every route is open to every key", NETWORK),
    ("callers are not filtered by address", NETWORK),
    (
        "these routes need a key all the same",
        "let a load balancer set the master key on these routes",
    ),
    (
        "models come from the configuration only",
        "write the models of the database into `model_list`; `include` takes several files",
    ),
    ("nothing is shared between instances", STATE),
    ("spend is not limited", PROVIDER_LIMIT),
    (
        "spend is not tracked",
        "sum up the costs in the log or in the metrics",
    ),
    (
        "spend is not stored",
        "sum up the costs in the log or in the metrics",
    ),
    ("prompts are not stored", "store them in the client"),
    (
        "answers are not cached",
        "use the provider's prompt caching; an HTTP cache in front cannot tell equal requests",
    ),
    (
        "messages get no cache marks",
        "send `cache_control` in the messages",
    ),
    (
        "requests and answers are not checked by these guardrails",
        GUARDRAILS,
    ),
    (
        "only Prometheus metrics exist (`/metrics`); other callbacks are not called",
        LOGS,
    ),
    ("callbacks are not called", LOGS),
    ("no alerts are sent", RULES),
    (
        "secrets come from the environment or from files (`file:/path`)",
        SECRETS,
    ),
    ("these routes do not exist", PASS),
    ("the files and batches routes do not exist", PASS),
    ("the files routes do not exist", PASS),
    ("the fine-tuning routes do not exist", PASS),
    ("the assistants routes do not exist", PASS),
    ("the search routes do not exist", PASS),
    ("there are no image routes", PASS),
    ("vector stores are not searched", PASS),
    (
        "the MCP routes do not exist",
        "let clients reach the MCP servers directly",
    ),
    (
        "models are not chosen automatically",
        "name the model in the request, or weigh deployments of one group",
    ),
    (
        "every model group is routed in the same way",
        "set the strategy that most groups need, `order` and `weight` for the others",
    ),
    (
        "calls of one session may go to different deployments",
        "give a session a tag, and a deployment the same one (`enable_tag_filtering`)",
    ),
    (
        "calls have no priorities",
        "give important calls deployments of their own, by tags",
    ),
    (
        "this limit is not enforced",
        "`max_parallel_requests` bounds a deployment",
    ),
    (
        "daily limits are not enforced",
        "`max_parallel_requests` bounds a deployment",
    ),
    (
        "traffic is not mirrored",
        "mirror it in front of the gateway",
    ),
    (
        "prompt templates are not filled in",
        "fill them in before the request",
    ),
    ("plugins are not loaded", "name the model in the request"),
    (
        "Python providers are not loaded",
        "`gateway.providers` describes those that speak OpenAI's API",
    ),
    ("Python rules are not run", GUARDRAILS),
    ("credentials of callers never go upstream", PASS),
    (
        "callers cannot choose the address or the key",
        "a deployment for each address and key, chosen by name or tag",
    ),
    (
        "headers of callers go on by a fixed list",
        "`extra_headers` of the deployment, for what is the same in each request",
    ),
    (
        "the caller's organization is not passed on",
        "`organization` of the deployment",
    ),
    (
        "requests are not changed to fit the model",
        "`drop_params`, `additional_drop_params`",
    ),
    (
        "the model of the request is used",
        "`model_group_alias` gives one group many names",
    ),
    (
        "streams end with usage only if the caller asks for it",
        "`stream_options: {include_usage: true}` in the request",
    ),
    (
        "usage comes without costs",
        "the header `x-litellm-response-cost`, and the metrics",
    ),
    ("reasoning stays in its own field", CLIENT),
    ("messages are sent as they are", CLIENT),
    (
        "`router_settings.fallbacks` decides",
        "write it there, by the name of the group",
    ),
    (
        "`router_settings.context_window_fallbacks` decides",
        "write it there, by the name of the group",
    ),
    (
        "`credential_list` belongs to the top level",
        "move it there",
    ),
    ("this deployment serves all the same", "remove its entry"),
    (
        "this deployment serves at any time",
        "a second file for `include`, and a change of it at that time",
    ),
    (
        "this deployment serves in every environment",
        "a file of deployments for each environment, for `include`",
    ),
    (
        "calls cost what their tokens do",
        "prices per token, if there are any",
    ),
    (
        "pods are not discovered",
        "the service's name as `api_base`; `gateway.transport.dns_check` follows it",
    ),
    (
        "the router's `timeout` counts on every route",
        "set `router_settings.timeout`",
    ),
    ("the key is `enable_pre_call_checks`", "rename it"),
    (
        "`litellm_settings.sse_keepalive_ping_interval_seconds` decides",
        "move it there",
    ),
    (
        "set `api_base` to the address of the other proxy",
        "`model: openai/NAME`, and its address as `api_base`",
    ),
    (
        "IPv6 addresses of providers are used as well",
        "let the resolver answer with IPv4 only",
    ),
    (
        "the address in logs is that of the last proxy",
        "take callers' addresses from the load balancer's log",
    ),
];
