// Vercel's AI SDK on any upstream, by each of its providers: it checks every event of a stream against a schema.

import { WEATHER, key, tellCrossings, told, url } from "./crossing.mjs";
import { installed } from "./outcome.mjs";

const { generateObject, generateText, stepCountIs, streamText, tool } = installed("ai");
const { createAnthropic } = installed("@ai-sdk/anthropic");
const { createGoogleGenerativeAI } = installed("@ai-sdk/google");
const { createOpenAI } = installed("@ai-sdk/openai");
const { z } = installed("zod");

// They would go to standard output, between the lines that are told.
globalThis.AI_SDK_LOG_WARNINGS = false;

const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
const anthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey: key });
const google = createGoogleGenerativeAI({ baseURL: `${url}/v1beta`, apiKey: key });
const providers = { responses: openai, chat: openai.chat, anthropic, google };

const city = z.object({ city: z.string() });
const execute = async ({ city }) => `21 degrees in ${city}`;
const tools = { get_weather: tool({ description: WEATHER, inputSchema: city, execute }) };
const place = z.object({ city: z.string(), people: z.number().int() });
const common = { system: "Be brief.", maxRetries: 0 };

// All that a call and a stream have in common: the text of the last step, and the calls of all.
async function of(result) {
  const steps = await result.steps;
  const usage = await result.totalUsage;
  const calls = steps.flatMap((step) => step.toolCalls);
  const parsed = calls.map((call) => ({ name: call.toolName, arguments: call.input }));
  return told(await result.text, await result.finishReason, [usage.inputTokens, usage.outputTokens], parsed, {
    thought: (await result.reasoningText) ?? null,
  });
}

async function stream(model, prompt, more) {
  let pieces = 0;
  const onError = ({ error }) => {
    throw error;
  };
  const result = streamText({ model, prompt, ...common, onError, ...more });
  for await (const part of result.fullStream) {
    if (part.type === "error") {
      throw part.error;
    }
    pieces += part.type === "text-delta" ? 1 : 0;
  }
  return { ...(await of(result)), pieces };
}

const unary = async (model, prompt, more) => of(await generateText({ model, prompt, ...common, ...more }));
const turn = { tools, stopWhen: stepCountIs(3) };
// Else it sends the ids of what was said, and the provider must have kept that.
const itself = { ...turn, providerOptions: { openai: { store: false } } };

const cases = {};
for (const [name, provider] of Object.entries(providers)) {
  cases[`${name} text`] = (model) => unary(provider(model), "Hello?");
  cases[`${name} stream`] = (model) => stream(provider(model), "Hello?");
  cases[`${name} both stream`] = (model) => stream(provider(model), "And in both?", { tools });
  cases[`${name} turn`] = (model) => unary(provider(model), "How is the weather?", itself);
  cases[`${name} turn stream`] = (model) => stream(provider(model), "How is the weather?", itself);
  cases[`${name} thought stream`] = (model) => stream(provider(model), "Think.");
  cases[`${name} limited`] = (model) => unary(provider(model), "You are limited.");
  cases[`${name} limited stream`] = (model) => stream(provider(model), "You are limited.");
  cases[`${name} schema`] = async (model) =>
    (await generateObject({ model: provider(model), schema: place, prompt: "A place, please.", ...common })).object;
}
cases["kept turn"] = (model) => unary(openai(model), "How is the weather?", turn);
await tellCrossings(cases);
