// The published Anthropic client for Node on any upstream.

import { CITY, WEATHER, key, tellCrossings, told, url } from "./crossing.mjs";
import { installed } from "./outcome.mjs";

const { Anthropic, APIError } = installed("@anthropic-ai/sdk");

const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0, timeout: 20_000 });
const tools = [{ name: "get_weather", description: WEATHER, input_schema: CITY }];
const user = (content) => ({ role: "user", content });
const asked = (model, messages, more) => ({ model, max_tokens: 1024, system: "Be brief.", messages, ...more });

function ofMessage(answer) {
  const text = answer.content.map((block) => block.text ?? "").join("");
  const calls = answer.content.filter((block) => block.type === "tool_use");
  const parsed = calls.map((call) => ({ name: call.name, arguments: call.input }));
  const usage = [answer.usage.input_tokens, answer.usage.output_tokens];
  // What a model keeps of its thoughts for itself goes before, to be sent back.
  const order = answer.content.map((block) => block.type).filter((type) => type !== "thinking");
  return told(text, answer.stop_reason, usage, parsed, { model: answer.model, order });
}

async function unary(model, text, more) {
  return ofMessage(await client.messages.create(asked(model, [user(text)], more)));
}

async function stream(model, text, more) {
  const events = client.messages.stream(asked(model, [user(text)], more));
  let pieces = 0;
  events.on("text", () => (pieces += 1));
  return { ...ofMessage(await events.finalMessage()), pieces };
}

async function result(model) {
  const question = user("How is the weather?");
  const { content } = await client.messages.create(asked(model, [question], { tools }));
  const call = content.find((block) => block.type === "tool_use");
  const output = { type: "tool_result", tool_use_id: call.id, content: "21 degrees" };
  const turns = [question, { role: "assistant", content }, user([output])];
  return ofMessage(await client.messages.create(asked(model, turns, { tools })));
}

async function refused(model, text, more) {
  try {
    await client.messages.create(asked(model, [user(text)], more));
  } catch (error) {
    if (!(error instanceof APIError)) {
      throw error;
    }
    const { type } = error.error.error;
    const after = error.headers?.get("retry-after") ?? null;
    return { class: error.constructor.name, status: error.status, type, "retry-after": after };
  }
}

async function count(model) {
  const { max_tokens, ...rest } = asked(model, [user("Hello?")]);
  return (await client.messages.countTokens(rest)).input_tokens;
}

await tellCrossings({
  "text": (model) => unary(model, "Hello?"),
  "stream": (model) => stream(model, "Hello?"),
  "tool": (model) => unary(model, "How is the weather?", { tools }),
  "tool stream": (model) => stream(model, "How is the weather?", { tools }),
  "both": (model) => unary(model, "And in both?", { tools }),
  "both stream": (model) => stream(model, "And in both?", { tools }),
  "result": result,
  "long": (model) => unary(model, "A long story.", { max_tokens: 3 }),
  "limited": (model) => refused(model, "You are limited."),
  "limited stream": (model) => refused(model, "You are limited.", { stream: true }),
  "too long": (model) => refused(model, "This is too long."),
  "count": count,
});
