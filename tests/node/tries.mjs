// Calls of the published clients with retries of their own: `tries.mjs URL KEY`. The model's name says what the provider does.

import { installed, tellAll } from "./outcome.mjs";

const { Anthropic } = installed("@anthropic-ai/sdk");
const { OpenAI } = installed("openai");

const [url, key] = process.argv.slice(2);
const messages = [{ role: "user", content: "hello" }];
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, timeout: 30_000 });
const anthropic = new Anthropic({ baseURL: url, apiKey: key, timeout: 30_000 });

async function all(events) {
  const seen = [];
  for await (const event of events) {
    seen.push(event);
  }
  return seen;
}

const chat = (model, more) => openai.chat.completions.create({ model, messages, ...more });
const message = (model, more) => anthropic.messages.create({ model, messages, max_tokens: 64, ...more });

const cases = {};
for (const [client, call] of [["openai", chat], ["anthropic", message]]) {
  for (const name of ["status-500", "status-400", "status-401", "status-429", "status-529", "lost"]) {
    cases[`${client} ${name}`] = () => call(`${client}-${name}`);
  }
  for (const name of ["first-529", "role-then-cut", "cut", "no-marker"]) {
    cases[`${client} ${name}`] = async () => all(await call(`${client}-${name}`, { stream: true }));
  }
}
await tellAll(cases);
