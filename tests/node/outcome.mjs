// What the scripts share: the installed clients, and one JSON line for what became of each call.

import { createRequire } from "node:module";

// NODE_PATH says where the clients are; `import` would not look there.
export const installed = createRequire(import.meta.url);

// Makes all calls side by side and prints the result of each, or the error that it raised with all its base classes.
export async function tellAll(cases) {
  await Promise.all(Object.entries(cases).map(([name, call]) => tell(name, call)));
}

async function tell(name, call) {
  const line = { case: name, raised: null };
  try {
    line.result = await call();
  } catch (error) {
    line.raised = classes(error);
    line.status = error.status ?? error.statusCode ?? null;
    line.message = error.message;
  }
  console.log(JSON.stringify(line));
}

function classes(error) {
  const names = [];
  for (let kind = error.constructor; kind?.name; kind = Object.getPrototypeOf(kind)) {
    names.push(kind.name);
  }
  return names;
}
