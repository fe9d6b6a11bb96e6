export default {
  client: {
    input: "openapi.json",
    output: {
      target: "generated/client.ts",
      client: "react-query",
      httpClient: "fetch",
      override: { mutator: { path: "orval-fetch.ts", name: "authorizedFetch", extension: ".js" } },
    },
  },
};
