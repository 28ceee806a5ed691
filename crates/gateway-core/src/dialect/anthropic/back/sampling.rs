//! Temperature and its kin.

use serde_json::Number;

use super::generation::Generation;
use crate::chat::Parameters;
use crate::translate::Losses;

/// What is said of the choice among the candidates for a token.
#[derive(Debug, Default)]
pub(super) struct Sampling<'a> {
    pub(super) temperature: Option<&'a Number>,
    pub(super) top_p: Option<&'a Number>,
    pub(super) top_k: Option<&'a Number>,
}

impl<'a> Sampling<'a> {
    /// What the model takes. A value that is its default is left out where it must not be said.
    pub(super) fn of(
        parameters: &'a Parameters,
        generation: Generation,
        thinks: bool,
        losses: &mut Losses,
    ) -> Self {
        let Parameters {
            temperature,
            top_p,
            top_k,
            ..
        } = parameters;
        let mut sampling = Self {
            temperature: temperature.as_ref(),
            top_p: top_p.as_ref(),
            top_k: top_k.as_ref(),
        };
        let free = generation.takes_sampling() && !thinks;
        // OpenAI's scale ends at 2, Anthropic's at 1.
        let takes = |it: &Number| free && it.as_f64().is_some_and(|it| it <= 1.0);
        keep(&mut sampling.temperature, "temperature", takes, losses);
        let top_p = |it: &Number| {
            generation.takes_sampling() && (free || it.as_f64().is_some_and(|it| it >= 0.95))
        };
        keep(&mut sampling.top_p, "top_p", top_p, losses);
        keep(&mut sampling.top_k, "top_k", |_| free, losses);
        // Agents send both as a habit; one of them says how random the answer shall be.
        if !generation.takes_both() && sampling.temperature.is_some() && sampling.top_p.is_some() {
            sampling.top_p = None;
            losses.hint("top_p");
        }
        sampling
    }
}

/// Leaves a value out that is not taken: that is a loss, unless it is the default of 1.
fn keep(
    value: &mut Option<&Number>,
    name: &'static str,
    takes: impl Fn(&Number) -> bool,
    losses: &mut Losses,
) {
    let Some(number) = value else { return };
    if takes(number) {
        return;
    }
    if name == "top_k" || number.as_f64() != Some(1.0) {
        losses.parameter(name);
    }
    *value = None;
}
