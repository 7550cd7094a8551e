// How applications ask their token service with each HTTP client of a page: a function of the URL and the client's own timeout. None of them catches anything.

import "@angular/compiler";
import { HttpClient, provideHttpClient, withFetch } from "@angular/common/http";
import { provideExperimentalZonelessChangeDetection } from "@angular/core";
import { createApplication } from "@angular/platform-browser";
import { ApolloClient, HttpLink as ApolloHttpLink, InMemoryCache, gql as apolloQuery } from "@apollo/client/core";
import { configureStore } from "@reduxjs/toolkit";
import { createApi, fetchBaseQuery } from "@reduxjs/toolkit/query";
import { Client as UrqlClient, fetchExchange, gql as urqlQuery } from "@urql/core";
import axios from "axios";
import $ from "jquery";
import ky from "ky";
import { ofetch } from "ofetch";
import { firstValueFrom } from "rxjs";
import superagent from "superagent";
import { fetch as polyfilledFetch } from "whatwg-fetch";

/** What a page of before fetch writes; `fail` is called with the event. @param {(reject: (error: unknown) => void, xhr: XMLHttpRequest) => (event: unknown) => void} fail */
const byXMLHttpRequest = (fail) => (url, timeout) =>
  new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", url);
    xhr.responseType = "json";
    xhr.timeout = timeout;
    xhr.onload = (event) => (xhr.status === 200 ? resolve(xhr.response) : fail(reject, xhr)(event));
    xhr.onerror = xhr.ontimeout = xhr.onabort = fail(reject, xhr);
    xhr.send();
  });

const angular = (...features) => {
  const application = createApplication({
    providers: [provideExperimentalZonelessChangeDetection(), provideHttpClient(...features)],
  });
  return async (url, timeout) =>
    firstValueFrom((await application).injector.get(HttpClient).post(url, {}, { timeout }));
};

const query = "query Token { token }";

export const clients = {
  "XMLHttpRequest, rejecting with the event": byXMLHttpRequest((reject) => (event) => reject(event)),
  "XMLHttpRequest, rejecting with itself": byXMLHttpRequest((reject, xhr) => () => reject(xhr)),
  fetch: async (url, timeout) => {
    const response = await fetch(url, { method: "POST", signal: AbortSignal.timeout(timeout) });
    if (!response.ok) throw Object.assign(new Error("refused"), { response });
    return response.json();
  },
  "fetch, throwing the response": async (url, timeout) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), timeout);
    const response = await fetch(url, { method: "POST", signal: controller.signal });
    if (!response.ok) throw response;
    return response.json();
  },
  "fetch of another frame": async (url, timeout) => {
    const frame = document.createElement("iframe");
    document.body.append(frame);
    const { fetch, AbortSignal } = frame.contentWindow;
    const response = await fetch(url, { method: "POST", signal: AbortSignal.timeout(timeout) });
    if (!response.ok) throw response;
    return response.json();
  },
  "whatwg-fetch": async (url, timeout) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), timeout);
    const response = await polyfilledFetch(url, { method: "POST", signal: controller.signal });
    if (!response.ok) throw Object.assign(new Error("refused"), { response });
    return response.json();
  },
  axios: async (url, timeout) => (await axios.post(url, {}, { timeout })).data,
  "axios on fetch": async (url, timeout) => (await axios.post(url, {}, { timeout, adapter: "fetch" })).data,
  jQuery: (url, timeout) => $.ajax({ url, method: "POST", dataType: "json", timeout }),
  "jQuery, as a promise of the language": async (url, timeout) =>
    await $.post({ url, dataType: "json", timeout }).promise(),
  ky: (url, timeout) => ky.post(url, { timeout, retry: 0 }).json(),
  ofetch: (url, timeout) => ofetch(url, { method: "POST", timeout }),
  superagent: async (url, timeout) => (await superagent.post(url).timeout(timeout)).body,
  "Angular's HttpClient": angular(),
  "Angular's HttpClient on fetch": angular(withFetch()),
  "RTK Query": async (url, timeout) => {
    const api = createApi({
      baseQuery: fetchBaseQuery({ timeout }),
      endpoints: (build) => ({ token: build.mutation({ query: () => ({ url, method: "POST" }) }) }),
    });
    const store = configureStore({
      reducer: { api: api.reducer },
      middleware: (middlewares) => middlewares().concat(api.middleware),
    });
    return store.dispatch(api.endpoints.token.initiate(undefined)).unwrap();
  },
  // A GraphQL service answers with {"data": …}; one that answers with a token alone is read from the response itself.
  urql: async (url, timeout) => {
    let answer;
    const client = new UrqlClient({
      url,
      preferGetMethod: false,
      exchanges: [fetchExchange],
      fetch: async (input, init) => {
        const response = await fetch(input, { ...init, signal: AbortSignal.timeout(timeout) });
        answer = response.ok ? await response.clone().json() : undefined;
        return response;
      },
    });
    const { error } = await client.query(urqlQuery(query), {}).toPromise();
    if (error && !answer) throw error;
    return answer;
  },
  "Apollo Client": async (url, timeout) => {
    let answer;
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      link: new ApolloHttpLink({
        uri: url,
        fetch: async (input, init) => {
          const response = await fetch(input, { ...init, signal: AbortSignal.timeout(timeout) });
          answer = response.ok ? await response.clone().json() : undefined;
          return response;
        },
      }),
    });
    await client.query({ query: apolloQuery(query) }).catch((error) => {
      if (!answer) throw error;
    });
    return answer;
  },
};
