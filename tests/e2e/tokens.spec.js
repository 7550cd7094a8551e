// The service's tokens in an independent implementation of JOSE: by each published form of its keys, in each flow.

import { randomBytes } from "node:crypto";

import { SignJWT, compactDecrypt, createRemoteJWKSet, exportSPKI, generateKeyPair, importSPKI, jwtVerify } from "jose";

import { expect, test } from "./demo.js";
import { startEncryptingService } from "./servers.js";
import { CONTACTS } from "./widget_demo.js";

const ISSUER = "shop.example";

/** A customer's own requests, as the page's fetch would send them. */
const signedIn = async (request, baseURL, customer) => {
  const post = (path, data, headers = {}) => request.post(path, { data, headers: { origin: baseURL, ...headers } });
  expect((await post("/site/sign-in", { customer })).status()).toBe(204);
  return post;
};

/** The service's key in every form in which it is published. */
const publishedKeys = async (request, baseURL) => {
  const text = async (path) => (await request.get(path)).text();
  const [{ kid, publicKey }] = JSON.parse(await text("/omnichannel/public-keys"));
  const line = await text("/live-assist/public-key");
  expect(line.trim()).toMatch(/^[A-Za-z0-9+/]+=*$/);
  return {
    kid,
    keys: {
      "the key set": createRemoteJWKSet(new URL("/.well-known/jwks.json", baseURL)),
      "the PEM": await importSPKI(await text("/keys/public.pem"), "RS256"),
      "Omnichannel’s list": await importSPKI(Buffer.from(publicKey, "base64").toString(), "RS256"),
      "Live Assist’s line": await importSPKI(
        `-----BEGIN PUBLIC KEY-----\n${line.trim()}\n-----END PUBLIC KEY-----`,
        "RS256",
      ),
    },
  };
};

for (const { path, claims } of [
  {
    path: "/omnichannel/token",
    claims: { sub: CONTACTS["Ada Lovelace"], lwicontexts: expect.any(String), nbf: expect.any(Number) },
  },
  {
    path: "/live-assist/token",
    claims: {
      sub: CONTACTS["Ada Lovelace"],
      given_name: "Ada",
      family_name: "Lovelace",
      lp_sdes: [expect.objectContaining({ type: "ctmrinfo" })],
    },
  },
]) {
  test(`${path}: jose verifies it by every published form of the key`, async ({ request, baseURL }) => {
    const post = await signedIn(request, baseURL, "ada");
    const { token } = await (await post(path, {})).json();
    const { kid, keys } = await publishedKeys(request, baseURL);
    for (const key of Object.values(keys)) {
      const { payload, protectedHeader } = await jwtVerify(token, key, {
        issuer: ISSUER,
        algorithms: ["RS256"],
        requiredClaims: ["iat", "exp", "sub"],
      });
      expect(protectedHeader).toMatchObject({ alg: "RS256", typ: "JWT", kid });
      expect(payload).toMatchObject({ ...claims, iss: ISSUER, iat: expect.any(Number), exp: expect.any(Number) });
      expect(payload.exp - payload.iat).toBe(3600);
      if (payload.lwicontexts)
        expect(JSON.parse(payload.lwicontexts)).toEqual({ cart_value: 249.9, is_vip: true, last_order: "A-1843" });
    }
    const plain = await post(path, undefined, { accept: "text/plain" });
    expect(plain.headers()["content-type"]).toContain("text/plain");
    await jwtVerify(await plain.text(), keys["the PEM"], { issuer: ISSUER });
    // A verdict that could not be otherwise is none.
    const [header, , signature] = token.split(".");
    const forged = Buffer.from(
      JSON.stringify({ iss: ISSUER, sub: CONTACTS["Grace Hopper"], exp: 9_999_999_999 }),
    ).toString("base64url");
    await expect(jwtVerify([header, forged, signature].join("."), keys["the PEM"])).rejects.toThrow(
      "signature verification failed",
    );
  });
}

test("tokens that live shortly do so", async ({ request, baseURL }) => {
  const post = await signedIn(request, baseURL, "alan");
  for (const path of ["/short-lived/omnichannel/token", "/short-lived/live-assist/token"]) {
    const { token } = await (await post(path, {})).json();
    const { payload } = await jwtVerify(token, (await publishedKeys(request, baseURL)).keys["the PEM"], {
      issuer: ISSUER,
    });
    expect(payload.exp - payload.iat).toBe(20);
  }
});

test("an encrypted token: jose decrypts it with Live Assist’s private key, and verifies what is in it", async () => {
  const [sessionSecret, adminKey] = [randomBytes(32).toString("base64url"), randomBytes(32).toString("base64url")];
  const liveAssist = await generateKeyPair("RSA-OAEP-256", { extractable: true });
  const service = await startEncryptingService(await exportSPKI(liveAssist.publicKey), sessionSecret, adminKey);
  try {
    const record = await fetch(`${service.url}/admin/customers/ada`, {
      method: "PUT",
      headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ contact_id: CONTACTS["Ada Lovelace"], given_name: "Ada", family_name: "Lovelace" }),
    });
    expect(record.status).toBe(204);
    const session = await new SignJWT({})
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("ada")
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(Buffer.from(sessionSecret));
    const answer = await fetch(`${service.url}/live-assist/token`, {
      method: "POST",
      headers: { authorization: `Bearer ${session}` },
    });
    const { token } = await answer.json();
    expect(token.split(".")).toHaveLength(5);
    const { plaintext, protectedHeader } = await compactDecrypt(token, liveAssist.privateKey);
    expect(protectedHeader).toMatchObject({ alg: "RSA-OAEP-256", cty: "JWT" });
    const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", service.url));
    const { payload } = await jwtVerify(Buffer.from(plaintext).toString(), keys, {
      issuer: ISSUER,
      algorithms: ["RS256"],
    });
    expect(payload).toMatchObject({ sub: CONTACTS["Ada Lovelace"], given_name: "Ada", family_name: "Lovelace" });
    const stranger = await generateKeyPair("RSA-OAEP-256");
    await expect(compactDecrypt(token, stranger.privateKey)).rejects.toThrow("decryption operation failed");
  } finally {
    await service.stop();
  }
});
