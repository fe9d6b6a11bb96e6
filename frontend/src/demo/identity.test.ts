import { afterEach, expect, test, vi } from "vitest";
import { devIdentity, followHost, type Identity } from "./identity";

const tokenOf = (sub: string, more = "") => {
  const claims = new TextEncoder().encode(JSON.stringify({ sub }));
  return `x.${btoa(String.fromCharCode(...claims))
    .replaceAll("+", "-")
    .replaceAll("/", "_")}.${more}`;
};
const say = (token: unknown) => dispatchEvent(new CustomEvent("chat-sessions:token", { detail: { token } }));
let stop: () => void = () => undefined;

afterEach(() => stop());

function follow() {
  const identities: Identity[] = [];
  const asked = vi.fn();
  addEventListener("chat-sessions:token-needed", asked);
  const unfollow = followHost((identity) => identities.push(identity));
  stop = () => {
    unfollow();
    removeEventListener("chat-sessions:token-needed", asked);
  };
  return { identities, asked };
}

test("the host is asked, and its token used until it is refused", async () => {
  const { identities, asked } = follow();
  expect(asked).toHaveBeenCalledTimes(1);
  say(tokenOf("ann", "1"));
  const [ann] = identities;
  expect(ann?.user).toBe("ann");
  expect(await ann?.getToken({ refresh: false })).toBe(tokenOf("ann", "1"));

  const next = Promise.all([ann?.getToken({ refresh: true }), ann?.getToken({ refresh: true })]);
  expect(asked).toHaveBeenCalledTimes(2);
  say(tokenOf("ann", "2"));
  expect(await next).toEqual([tokenOf("ann", "2"), tokenOf("ann", "2")]);
  expect(identities).toHaveLength(1);
});

test("a token of another user is another identity; what is no token is nothing", () => {
  const { identities } = follow();
  say(tokenOf("ann"));
  say(undefined);
  say(tokenOf("bob"));
  expect(identities.map(({ user }) => user)).toEqual(["ann", "bob"]);
});

test("names may be written in any script", () => {
  const { identities } = follow();
  say(tokenOf("Čapek 王 🦊"));
  expect(identities.map(({ user }) => user)).toEqual(["Čapek 王 🦊"]);
});

test("in development the token is asked for at once; again only when it is refused, or could not be had", async () => {
  const answers = [Response.json({ token: "1" }), Response.json({}, { status: 503 }), Response.json({ token: "2" })];
  const asked = vi.spyOn(globalThis, "fetch").mockImplementation(async () => answers.shift() ?? Response.error());
  const { getToken } = devIdentity("ann");
  expect(asked).toHaveBeenCalledTimes(1);
  expect(await Promise.all([getToken({ refresh: false }), getToken({ refresh: false })])).toEqual(["1", "1"]);
  expect(asked).toHaveBeenCalledTimes(1);
  await expect(getToken({ refresh: true })).rejects.toThrow("Nobody can sign in right now.");
  expect(await getToken({ refresh: false })).toBe("2");
});
