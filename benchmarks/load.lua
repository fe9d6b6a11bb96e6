-- Cycles through the requests in a file, one per line, tab-separated: method, path, "Name: value" or nothing, body.
local requests, at = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local method, path, name, value, body = line:match("^(%u+)\t([^\t]*)\t([^\t:]*):? ?([^\t]*)\t(.*)$")
    local headers = {}
    for key, each in pairs(wrk.headers) do headers[key] = each end
    if name ~= "" then headers[name] = value end
    if body ~= "" then headers["Content-Type"] = "application/json" end
    requests[#requests + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"requests": %d, "seconds": %f, "failed": %d, "p50_ms": %f, "p99_ms": %f}\n',
    summary.requests, summary.duration / 1e6,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
