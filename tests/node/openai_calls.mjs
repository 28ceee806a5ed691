// Calls of the published OpenAI client: `openai_calls.mjs URL KEY`. The model's name says what the provider does.

import { installed, tellAll } from "./outcome.mjs";

const { AzureOpenAI, OpenAI } = installed("openai");

const [url, key] = process.argv.slice(2);
const options = { baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, timeout: 20_000 };
const client = new OpenAI(options);
const messages = [{ role: "user", content: "hello" }];

async function unary(model, who = client) {
  const answer = await who.chat.completions.create({ model, messages });
  return { text: answer.choices[0].message.content, tokens: answer.usage.completion_tokens };
}

async function stream(model, who = client) {
  let text = "";
  let finish = null;
  for await (const chunk of await who.chat.completions.create({ model, messages, stream: true })) {
    for (const choice of chunk.choices) {
      text += choice.delta.content ?? "";
      finish = choice.finish_reason ?? finish;
    }
  }
  return { text, finish };
}

async function helper(model) {
  return { text: await client.chat.completions.stream({ model, messages }).finalContent() };
}

async function completion(model) {
  let text = "";
  for await (const chunk of await client.completions.create({ model, prompt: "hello", stream: true })) {
    text += chunk.choices[0].text;
  }
  return { text };
}

async function embeddings(model) {
  const answer = await client.embeddings.create({ model, input: ["one", "two"] });
  return { vectors: answer.data.map((item) => item.embedding.length), first: answer.data[0].embedding.slice(0, 2) };
}

async function models() {
  const ids = [];
  for await (const model of client.models.list()) {
    ids.push(model.id);
  }
  return ids;
}

const azure = () => new AzureOpenAI({ endpoint: url, apiKey: key, apiVersion: "2024-10-21", maxRetries: 0 });

const cases = {
  "unary": () => unary("ok"),
  "stream": () => stream("ok"),
  "helper": () => helper("ok"),
  "completion": () => completion("ok"),
  "azure": () => stream("ok", azure()),
  "embeddings": () => embeddings("ok"),
  "models": models,
  "model": async () => (await client.models.retrieve("listed")).id,
  "heartbeats": () => stream("slow"),
  "wrong key": () => unary("ok", new OpenAI({ ...options, apiKey: "sk-wrong" })),
  "retried": () => unary("status-429-retry", new OpenAI({ ...options, maxRetries: 2 })),
  "client timeout": () => unary("silent", new OpenAI({ ...options, timeout: 500 })),
  "gateway timeout": () => stream("silent"),
  "cut": () => stream("cut"),
  "cut helper": () => helper("cut"),
  "cut completion": () => completion("cut"),
  "stalled": () => stream("stalled"),
  "no marker": () => stream("no-marker"),
  "cut body": () => unary("cut"),
  "html": () => unary("html"),
  "html stream": () => stream("html"),
};
for (const status of [400, 401, 403, 404, 422, 429, 500, 503]) {
  cases[`status ${status}`] = () => unary(`status-${status}`);
  cases[`status ${status} of a stream`] = () => stream(`status-${status}`);
  cases[`first event ${status}`] = () => stream(`first-${status}`);
}
await tellAll(cases);
