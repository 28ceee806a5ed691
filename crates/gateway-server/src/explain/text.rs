//! An answer as text for people.

use std::collections::BTreeMap;
use std::io::{self, Write};

use gateway_router::{
    ExplainedCooldown, ExplainedDeployment, ExplainedFallback, ExplainedLeg, ExplainedRetries,
    ExplainedStanding, ExplainedTimer, Explanation, FallbackFate, RetryOrigin, RetryReach,
};

use super::{Answer, Asked};

/// Writes `answer` for people.
///
/// # Errors
/// What the writer says.
pub(crate) fn write(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let told = &answer.explanation;
    write!(out, "model group {}", told.group)?;
    if *told.group != *answer.model {
        write!(out, ", which {:?} stands for", answer.model)?;
    }
    writeln!(out)?;
    let head = [
        ("front end", told.dialect.map(str::to_owned)),
        ("strategy", Some(strategy(told))),
        ("call timer", Some(timer(&told.call_timer))),
    ];
    rows("  ", head, out)?;
    if let Some(request) = &answer.request {
        writeln!(out, "\nthe request says")?;
        rows("  ", request.said(), out)?;
    }
    for leg in &told.legs {
        level(leg, out)?;
    }
    if told.legs.is_empty() {
        writeln!(out, "\nno deployment speaks this front end's dialect")?;
    }
    retries(&told.retries, told.weighted_failover, out)?;
    fallbacks(told, out)?;
    writeln!(out)?;
    let rest = [
        ("hedging", Some(hedging(told))),
        ("continuation", Some(on(told.continuation))),
        ("pre-call checks", Some(on(told.pre_call_checks))),
    ];
    rows("", rest, out)
}

/// Writes what there is of these, one line each.
fn rows(
    indent: &str,
    rows: impl IntoIterator<Item = (&'static str, Option<String>)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (name, value) in rows {
        if let Some(value) = value {
            writeln!(out, "{indent}{name:<15} {value}")?;
        }
    }
    Ok(())
}

fn strategy(told: &Explanation) -> String {
    let strategy = &told.strategy;
    let mut text = strategy.name.to_owned();
    if let (Some(buffer), Some(ttl)) = (strategy.buffer, strategy.ttl_seconds) {
        text += &format!(", buffer {buffer}, samples count for {ttl} s");
    }
    text
}

fn level(leg: &ExplainedLeg, out: &mut dyn Write) -> io::Result<()> {
    match leg.order {
        Some(order) => writeln!(out, "\ndeployments of order {order}")?,
        None => writeln!(out, "\ndeployments")?,
    }
    for deployment in &leg.deployments {
        one(deployment, out)?;
    }
    Ok(())
}

fn one(it: &ExplainedDeployment, out: &mut dyn Write) -> io::Result<()> {
    let share = it.share_percent.map(|share| format!("  {share:.1} %"));
    writeln!(
        out,
        "  {}/{}{}  {}",
        it.provider,
        it.model,
        share.unwrap_or_default(),
        standing(it)
    )?;
    let timers = &it.timers;
    let attempt = timers.attempt.as_ref();
    let of = |text: String| (!text.is_empty()).then_some(text);
    let told = [
        ("id", Some(it.id.to_string())),
        ("at", Some(it.api_base.clone())),
        (
            "attempt",
            Some(attempt.map_or_else(|| "what the call has left".to_owned(), timer)),
        ),
        ("first content", timers.first_content.as_ref().map(timer)),
        ("idle", Some(timer(&timers.idle))),
        ("connect", Some(timer(&timers.connect))),
        ("pool", Some(timer(&timers.pool))),
        ("limits", of(limits(it))),
        ("serves", of(serves(it))),
        (
            "retries",
            it.retries.map(|own| format!("{own}, its own count")),
        ),
        ("cooldown", Some(cooldown(&it.cooldown))),
    ];
    rows("    ", told, out)
}

fn standing(it: &ExplainedDeployment) -> String {
    let mut text = match it.standing {
        ExplainedStanding::Ready => "ready".to_owned(),
        ExplainedStanding::SetAside {
            seconds_left,
            cause,
        } => format!("set aside for {seconds_left:.1} s more ({cause})"),
        ExplainedStanding::Probation { probe_out, cause } => {
            let probe = if probe_out { "under way" } else { "due" };
            format!("on probation ({cause}), probe {probe}")
        }
    };
    if let Some(why) = it.ruled_out {
        text += &format!(", ruled out by {why}");
    }
    if it.in_flight > 0 {
        text += &format!(", {} under way", it.in_flight);
    }
    if it.waiting > 0 {
        text += &format!(", {} waiting", it.waiting);
    }
    text
}

fn limits(it: &ExplainedDeployment) -> String {
    let now = |limit: Option<u64>, used: u64, unit: &str| {
        limit.map(|limit| format!("{limit} {unit} ({used} now)"))
    };
    let parts = [
        it.weight.map(|weight| format!("weight {weight}")),
        now(it.rpm, it.requests_this_minute, "requests a minute"),
        now(it.tpm, it.tokens_this_minute, "tokens a minute"),
        it.max_parallel.map(|most| format!("{most} in parallel")),
        it.max_input_tokens
            .map(|most| format!("{most} tokens of input")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn serves(it: &ExplainedDeployment) -> String {
    let list = |name: &str, values: &[String]| {
        (!values.is_empty()).then(|| format!("{name} {}", values.join(" ")))
    };
    let parts = [
        list("tags", &it.tags),
        list("clients", &it.tag_patterns),
        it.region.as_ref().map(|region| format!("region {region}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn cooldown(rules: &ExplainedCooldown) -> String {
    if !rules.enabled {
        return "never".to_owned();
    }
    let when = match rules.allowed_fails {
        Some(allowed) => format!("after more than {allowed} failures"),
        None => "by LiteLLM's failure rates".to_owned(),
    };
    let mut text = format!("{} s at first, {when}", rules.seconds);
    for (kind, allowed) in &rules.allowed_fails_policy {
        text += &format!(", {kind} after more than {allowed}");
    }
    if rules.alone {
        text += "; alone in its group: not for failures that pass";
    }
    text
}

fn retries(
    told: &ExplainedRetries,
    weighted_failover: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "\nretries")?;
    let mut rows: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for row in &told.by_failure {
        let from = match row.from {
            RetryOrigin::Request => "the request",
            RetryOrigin::GroupPolicy => "model_group_retry_policy",
            RetryOrigin::Policy => "retry_policy",
            RetryOrigin::Router => "the router",
        };
        let reach = match row.reach {
            RetryReach::Nobody => "not in this group",
            RetryReach::Others => "other deployments only",
            RetryReach::All => "other deployments first",
        };
        // The most retries first.
        let key = (u32::MAX - row.count, from, reach);
        rows.entry(key).or_default().push(row.failure);
    }
    for ((count, from, reach), failures) in rows {
        let failures = failures.join(", ");
        match u32::MAX - count {
            0 => writeln!(out, "  none, {reach}: {failures}")?,
            count => writeln!(out, "  {count} by {from}, {reach}: {failures}")?,
        }
    }
    if told.client_retries > 0 {
        let made = told.client_retries;
        writeln!(out, "  the client's library has made {made} of them")?;
    }
    if weighted_failover {
        writeln!(out, "  then each member that was not tried, by weight")?;
    }
    writeln!(
        out,
        "  at most {} % of the group's calls, or {} a second; same deployment after {} s at least",
        told.budget * 100.0,
        told.budget_floor,
        told.shortest_wait_seconds
    )
}

fn fallbacks(told: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let all = &told.fallbacks;
    writeln!(out, "\nfallbacks")?;
    if !all.enabled {
        writeln!(out, "  switched off by the request")?;
    }
    writeln!(out, "  at most {} groups for one call", all.max)?;
    for (name, chain) in [
        ("after a failure", &all.general),
        ("too long for the model", &all.context_window),
        ("content policy", &all.content_policy),
    ] {
        match chain.as_slice() {
            [] => writeln!(out, "  {name}: none")?,
            chain => writeln!(out, "  {name}: {}", listed(chain))?,
        }
    }
    Ok(())
}

fn listed(chain: &[ExplainedFallback]) -> String {
    let one = |it: &ExplainedFallback| {
        let mut text = it.model.to_string();
        if !it.overrides.is_empty() {
            text += &format!(" with other {}", it.overrides.join(", "));
        }
        let fate = match it.fate {
            FallbackFate::Tried => return text,
            FallbackFate::Missing => "there is no such group",
            FallbackFate::OtherDialect => "speaks another dialect",
            FallbackFate::Repeated => "was tried before",
            FallbackFate::BeyondMax => "beyond the most",
            FallbackFate::SwitchedOff => "switched off",
        };
        format!("{text} ({fate})")
    };
    // A list for all groups comes back at each of its own: what has just been told is not told again.
    let told = |at: usize, it: &ExplainedFallback| {
        let before = chain[..at].iter().any(|other| other.model == it.model);
        it.fate == FallbackFate::Repeated && before
    };
    let chain = chain.iter().enumerate();
    let news = chain.filter(|(at, it)| !told(*at, it));
    news.map(|(_, it)| one(it)).collect::<Vec<_>>().join(" -> ")
}

fn hedging(told: &Explanation) -> String {
    let Some(hedging) = &told.hedging else {
        return "off".to_owned();
    };
    let after = match (hedging.after_seconds, hedging.quantile) {
        (Some(after), None) => format!("after {after} s without content"),
        (Some(after), Some(share)) => {
            format!("after {after:.3} s without content, when {share} of the last had it")
        }
        (None, _) => "when enough of the group's past is known".to_owned(),
    };
    format!("{after}; {} % of the calls", hedging.budget * 100.0)
}

impl Asked {
    fn said(&self) -> [(&'static str, Option<String>); 11] {
        let of = |text: String| (!text.is_empty()).then_some(text);
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let twice = if self.repeatable {
            "does no harm"
        } else {
            "may do harm"
        };
        let idle = self.stream_idle_timeout.as_ref();
        [
            (
                "stream",
                Some(if self.stream { "yes" } else { "no" }.to_owned()),
            ),
            ("sent twice", Some(twice.to_owned())),
            ("timeout", self.timeout.as_ref().map(timer)),
            ("stream timeout", self.stream_timeout.as_ref().map(timer)),
            ("idle timeout", idle.map(timer)),
            ("service tier", text(&self.service_tier)),
            ("retries", self.retries.map(|it| it.to_string())),
            ("fallbacks", of(self.fallbacks.join(" -> "))),
            ("tags", of(self.tags.join(" "))),
            ("region", text(&self.region)),
            (
                "input tokens",
                self.input_tokens.map(|it| format!("about {it}")),
            ),
        ]
    }
}

fn timer(timer: &ExplainedTimer) -> String {
    format!("{} s ({})", timer.seconds, timer.from)
}

fn on(switch: bool) -> String {
    if switch { "on" } else { "off" }.to_owned()
}
