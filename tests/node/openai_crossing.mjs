// The published OpenAI client for Node on any upstream, by chat completions and by Responses.

import { CITY, WEATHER, key, tellCrossings, told, url } from "./crossing.mjs";
import { installed } from "./outcome.mjs";

const { OpenAI, APIError } = installed("openai");

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, timeout: 20_000 });
const tool = { name: "get_weather", description: WEATHER, parameters: CITY };
const tools = [{ type: "function", function: tool }];
const said = (text) => [{ role: "system", content: "Be brief." }, { role: "user", content: text }];

function ofCompletion(answer) {
  const [{ message, finish_reason }] = answer.choices;
  const usage = [answer.usage.prompt_tokens, answer.usage.completion_tokens];
  const calls = (message.tool_calls ?? []).map((call) => call.function);
  const parsed = calls.map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) }));
  return told(message.content ?? "", finish_reason, usage, parsed, { model: answer.model });
}

async function unary(model, text, more) {
  return ofCompletion(await client.chat.completions.create({ model, messages: said(text), ...more }));
}

async function stream(model, text, more) {
  const asked = { model, messages: said(text), stream_options: { include_usage: true }, ...more };
  const events = client.chat.completions.stream(asked);
  let pieces = 0;
  events.on("content.delta", () => (pieces += 1));
  return { ...ofCompletion(await events.finalChatCompletion()), pieces };
}

async function result(model) {
  const messages = said("How is the weather?");
  const [{ message }] = (await client.chat.completions.create({ model, messages, tools })).choices;
  messages.push(message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: "21 degrees" });
  return ofCompletion(await client.chat.completions.create({ model, messages, tools }));
}

async function refused(call) {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof APIError)) {
      throw error;
    }
    const after = error.headers?.get("retry-after") ?? null;
    return { class: error.constructor.name, status: error.status, code: error.code, "retry-after": after };
  }
}

function ofResponse(answer) {
  const usage = [answer.usage.input_tokens, answer.usage.output_tokens];
  const calls = answer.output.filter((item) => item.type === "function_call");
  const parsed = calls.map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) }));
  return told(answer.output_text, answer.status, usage, parsed, { model: answer.model });
}

const responsesTools = [{ type: "function", ...tool, strict: false }];
const instructions = "Be brief.";

async function response(model, input, more) {
  return ofResponse(await client.responses.create({ model, instructions, input, ...more }));
}

async function responseStream(model, input, more) {
  const events = client.responses.stream({ model, instructions, input, ...more });
  let pieces = 0;
  events.on("response.output_text.delta", () => (pieces += 1));
  return { ...ofResponse(await events.finalResponse()), pieces };
}

const completion = (model, text, more) => client.chat.completions.create({ model, messages: said(text), ...more });

await tellCrossings({
  "text": (model) => unary(model, "Hello?"),
  "stream": (model) => stream(model, "Hello?"),
  "tool": (model) => unary(model, "How is the weather?", { tools }),
  "tool stream": (model) => stream(model, "How is the weather?", { tools }),
  "both": (model) => unary(model, "And in both?", { tools }),
  "both stream": (model) => stream(model, "And in both?", { tools }),
  "result": result,
  "long": (model) => unary(model, "A long story.", { max_completion_tokens: 3 }),
  "limited": (model) => refused(completion(model, "You are limited.")),
  "limited stream": (model) => refused(completion(model, "You are limited.", { stream: true })),
  "too long": (model) => refused(completion(model, "This is too long.")),
  "responses text": (model) => response(model, "Hello?"),
  "responses stream": (model) => responseStream(model, "Hello?"),
  "responses tool": (model) => response(model, "How is the weather?", { tools: responsesTools }),
  "responses tool stream": (model) => responseStream(model, "How is the weather?", { tools: responsesTools }),
});
