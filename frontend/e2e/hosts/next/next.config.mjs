/** Proxies the service on the same origin. */
export default {
  compress: false,
  rewrites: async () => [{ source: "/api/:path*", destination: `${process.env.SERVICE}/api/:path*` }],
};
