//! The form of the answer.

use super::generation::Generation;
use crate::chat::{Effort, Format, Json, ReasoningMode, Request};
use crate::dialect::structured::{self, Tree};
use crate::translate::Losses;

/// How the model is made to answer in a form.
pub(super) enum OutputFormat<'a> {
    /// It answers as it likes.
    Free,
    /// It is asked for any JSON object: Anthropic can force only one that fits a schema.
    Instruction,
    /// Its answer fits a schema.
    Schema(Json),
    /// Its answer is the input of a tool, for models without structured outputs and for schemas that these do not take.
    Tool {
        schema: &'a Json,
        description: Option<&'a str>,
    },
}

impl<'a> OutputFormat<'a> {
    pub(super) fn of(request: &'a Request, generation: Generation, losses: &mut Losses) -> Self {
        let (description, schema, strict) = match &request.parameters.format {
            None | Some(Format::Text) => return Self::Free,
            Some(Format::JsonObject) => {
                losses.hint("response_format");
                return Self::Instruction;
            }
            Some(Format::JsonSchema {
                name: _,
                description,
                schema,
                strict,
            }) => (description.as_deref(), schema, *strict),
        };
        let by_tool = Self::Tool {
            schema,
            description,
        };
        let tree = Tree::read(schema).filter(|_| generation.has_structured_outputs());
        let Some(tree) = tree else {
            return by_tool;
        };
        // Structured outputs have no objects with members that are not named.
        let open = structured::is_open(&tree);
        let can_force = request.tools.is_empty()
            && request.parameters.web_search.is_none()
            && generation.takes_forced_tools()
            && !thinks(request);
        if open && can_force && strict != Some(true) {
            return by_tool;
        }
        if open {
            losses.hint("response_format");
        }
        Self::Schema(structured::supported(tree).json())
    }

    pub(super) fn is_tool(&self) -> bool {
        matches!(self, Self::Tool { .. })
    }

    pub(super) fn instruction(&self) -> Option<&'static str> {
        matches!(self, Self::Instruction).then_some(
            "Answer with one JSON object and nothing else: no other words, no code fence.",
        )
    }

    pub(super) fn schema(&self) -> Option<&Json> {
        match self {
            Self::Schema(schema) => Some(schema),
            _ => None,
        }
    }
}

fn thinks(request: &Request) -> bool {
    let reasoning = request.parameters.reasoning.as_ref();
    reasoning.is_some_and(|it| {
        it.mode != Some(ReasoningMode::Off)
            && (it.mode.is_some() || it.budget.is_some() || it.effort > Some(Effort::None))
    })
}
