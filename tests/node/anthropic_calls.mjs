// Calls of the published Anthropic client: `anthropic_calls.mjs URL KEY`. The model's name says what the provider does.

import { installed, tellAll } from "./outcome.mjs";

const { Anthropic } = installed("@anthropic-ai/sdk");

const [url, key] = process.argv.slice(2);
const options = { baseURL: url, apiKey: key, maxRetries: 0, timeout: 20_000 };
const client = new Anthropic(options);
const body = { max_tokens: 64, messages: [{ role: "user", content: "hello" }] };

async function unary(model, who = client) {
  const answer = await who.messages.create({ model, ...body });
  return { text: answer.content[0].text, tokens: answer.usage.output_tokens };
}

async function stream(model) {
  let text = "";
  let last = null;
  for await (const event of await client.messages.create({ model, stream: true, ...body })) {
    last = event.type;
    if (event.type === "content_block_delta") {
      text += event.delta.text;
    }
  }
  return { text, last };
}

async function helper(model) {
  const message = await client.messages.stream({ model, ...body }).finalMessage();
  return { text: message.content[0].text, stop: message.stop_reason };
}

async function iterated(model) {
  let text = "";
  for await (const event of client.messages.stream({ model, ...body })) {
    if (event.type === "content_block_delta") {
      text += event.delta.text;
    }
  }
  return { text };
}

async function models() {
  const ids = [];
  for await (const model of client.models.list()) {
    ids.push(model.id);
  }
  return ids;
}

const cases = {
  "unary": () => unary("ok"),
  "bearer": () => unary("ok", new Anthropic({ ...options, apiKey: null, authToken: key })),
  "stream": () => stream("ok"),
  "helper": () => helper("ok"),
  "iterated": () => iterated("ok"),
  "models": models,
  "heartbeats": () => stream("slow"),
  "heartbeats helper": () => helper("slow"),
  "wrong key": () => unary("ok", new Anthropic({ ...options, apiKey: "sk-wrong" })),
  "retried": () => unary("status-429-retry", new Anthropic({ ...options, maxRetries: 2 })),
  "client timeout": () => unary("silent", new Anthropic({ ...options, timeout: 500 })),
  "gateway timeout": () => stream("silent"),
  "cut": () => stream("cut"),
  "cut helper": () => helper("cut"),
  "cut iterated": () => iterated("cut"),
  "stalled": () => stream("stalled"),
  "stalled helper": () => helper("stalled"),
  "no marker": () => stream("no-marker"),
  "no marker helper": () => helper("no-marker"),
  "cut body": () => unary("cut"),
  "html": () => unary("html"),
  "html stream": () => stream("html"),
};
for (const status of [400, 401, 403, 404, 413, 422, 429, 500, 503, 529]) {
  cases[`status ${status}`] = () => unary(`status-${status}`);
  cases[`status ${status} of a stream`] = () => stream(`status-${status}`);
  cases[`first event ${status}`] = () => stream(`first-${status}`);
}
await tellAll(cases);
