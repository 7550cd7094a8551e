// The same with HTTP clients of Node: how a server asks a token service of its own.

import { request } from "node:http";
import axios from "axios";
import got from "got";
import nodeFetch from "node-fetch";
import { ofetch } from "ofetch";
import superagent from "superagent";
import * as undici from "undici";

const throwing = (fetch) => async (url, timeout) => {
  const response = await fetch(url, { method: "POST", signal: AbortSignal.timeout(timeout) });
  if (!response.ok) throw Object.assign(new Error("refused"), { response });
  return response.json();
};

export const clients = {
  fetch: throwing(fetch),
  undici: throwing(undici.fetch),
  "undici's request": async (url, timeout) => {
    const response = await undici.request(url, { method: "POST", headersTimeout: timeout, throwOnError: true });
    if (response.statusCode !== 200) throw response;
    return response.body.json();
  },
  "node-fetch": throwing(nodeFetch),
  axios: async (url, timeout) => (await axios.post(url, {}, { timeout })).data,
  got: (url, timeout) => got.post(url, { timeout: { request: timeout }, retry: { limit: 0 } }).json(),
  ofetch: (url, timeout) => ofetch(url, { method: "POST", timeout }),
  superagent: async (url, timeout) => (await superagent.post(url).timeout(timeout)).body,
  "node:http": (url, timeout) =>
    new Promise((resolve, reject) => {
      const sent = request(url, { method: "POST", signal: AbortSignal.timeout(timeout) }, async (response) => {
        if (response.statusCode !== 200) return reject(response);
        try {
          let text = "";
          for await (const part of response) text += part;
          resolve(JSON.parse(text));
        } catch (error) {
          reject(error);
        }
      });
      sent.on("error", reject);
      sent.end();
    }),
};
