// What every client is asked to do on every upstream: `SCRIPT URL KEY MODEL…`, one case of each for each model.

import { tellAll } from "./outcome.mjs";

export const [url, key, ...models] = process.argv.slice(2);
export const WEATHER = "The weather of a city.";
export const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

// What a client understood of an answer.
export const told = (text, stop, usage, calls, more) => ({ text, stop, usage, calls, ...more });

export async function tellCrossings(cases) {
  const all = {};
  for (const model of models) {
    for (const [name, call] of Object.entries(cases)) {
      all[`${model}: ${name}`] = () => call(model);
    }
  }
  await tellAll(all);
}
