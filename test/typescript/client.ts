// A client that is typed by the API document: it reads the directory of exchanges
// and a wallet's reputation, and shows that a refusal is typed, too. It runs with
// Node.js against the address in its first argument.
import createClient from "openapi-fetch";
import type { paths } from "./api";

declare const process: { argv: string[] };

const api = createClient<paths>({ baseUrl: process.argv[2] });

const exchanges = await api.GET("/api/v1/exchange-review/exchanges", { params: { query: { limit: 3 } } });
if (exchanges.error) throw new Error(exchanges.error.detail);
const names: string[] = exchanges.data.exchanges.map((e) => e.name);

const score = await api.GET("/api/v1/reputation/scores/{wallet}", {
  params: { path: { wallet: "0x00000000000000000000000000000000DeaDBeef" } },
});
const refused = await api.GET("/api/v1/reputation/scores/{wallet}", { params: { path: { wallet: "nobody" } } });
const operators = await api.GET("/api/v1/identity/users");

console.log(
  JSON.stringify({
    exchanges: names,
    wallet: score.data?.wallet ?? score.error?.code,
    refused: refused.error?.code,
    operators: operators.error?.code,
  }),
);
