import { afterEach, expect, test, vi } from "vitest";
import { devIdentity, followHost, type Identity } from "./identity";

const tokenOf = (sub: string, more = "") => {
  const claims = new TextEncoder().encode(JSON.stringify({ sub }));
  return `x.${btoa(String.fromCharCode(...claims))
    .replaceAll("+", "-")
    .replaceAll("/", "_")}.${more}`;
};
const supply = (token: unknown) => dispatchEvent(new CustomEvent("chat-sessions:token", { detail: { token } }));
let stop: () => void = () => undefined;

afterEach(() => stop());

function follow() {
  const identities: Identity[] = [];
  const requested = vi.fn();
  addEventListener("chat-sessions:token-needed", requested);
  const unfollow = followHost((identity) => identities.push(identity));
  stop = () => {
    unfollow();
    removeEventListener("chat-sessions:token-needed", requested);
  };
  return { identities, requested };
}

test("the host's token is used until a refresh requests a new one", async () => {
  const { identities, requested } = follow();
  expect(requested).toHaveBeenCalledTimes(1);
  supply(tokenOf("ann", "1"));
  const [ann] = identities;
  expect(ann?.user).toBe("ann");
  expect(await ann?.getToken({ refresh: false })).toBe(tokenOf("ann", "1"));

  const next = Promise.all([ann?.getToken({ refresh: true }), ann?.getToken({ refresh: true })]);
  expect(requested).toHaveBeenCalledTimes(2);
  supply(tokenOf("ann", "2"));
  expect(await next).toEqual([tokenOf("ann", "2"), tokenOf("ann", "2")]);
  expect(identities).toHaveLength(1);
});

test("another user's token is a new identity, and a missing token is ignored", () => {
  const { identities } = follow();
  supply(tokenOf("ann"));
  supply(undefined);
  supply(tokenOf("bob"));
  expect(identities.map(({ user }) => user)).toEqual(["ann", "bob"]);
});

test("names may be written in any script", () => {
  const { identities } = follow();
  supply(tokenOf("Čapek 王 🦊"));
  expect(identities.map(({ user }) => user)).toEqual(["Čapek 王 🦊"]);
});

test("in development a token is fetched at once, and again only on refresh or after a failure", async () => {
  const responses = [Response.json({ token: "1" }), Response.json({}, { status: 503 }), Response.json({ token: "2" })];
  const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(async () => responses.shift() ?? Response.error());
  const { getToken } = devIdentity("ann");
  expect(fetched).toHaveBeenCalledTimes(1);
  expect(await Promise.all([getToken({ refresh: false }), getToken({ refresh: false })])).toEqual(["1", "1"]);
  expect(fetched).toHaveBeenCalledTimes(1);
  await expect(getToken({ refresh: true })).rejects.toThrow("Couldn’t sign in. Try again in a moment.");
  expect(await getToken({ refresh: false })).toBe("2");
});
