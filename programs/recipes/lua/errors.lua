-- Errors unwind by longjmp: through calls, coroutines, C functions, metamethods, to be closed.
local function fails(...) return select(2, pcall(...)) end
print(fails(error, "plain"))
print(fails(error, { code = 7 }).code)
print(fails(function() local x = nil; return x.field end))
print(fails(function() return 1 + {} end))
print(fails(string.rep, "x", -1), fails(string.rep))
print(xpcall(function() error("handled", 0) end, function(m) return m .. "!" end))
local depth = 0
local function nest(n)
  if n == 0 then error("bottom") end
  local ok, message = pcall(nest, n - 1)
  depth = depth + 1
  error(message, 0)
end
print(pcall(nest, 150), depth)
print(select("#", pcall(function() return 1, nil, 3 end)))
local function overflow() return 1 + overflow() end
local ok, message = pcall(overflow)
print(ok, message:match("stack overflow"))
do
  local log = {}
  local ok = pcall(function()
    local a <close> = setmetatable({}, { __close = function(_, e) log[#log + 1] = tostring(e) end })
    local b <close> = setmetatable({}, { __close = function() error("in close", 0) end })
    error("first", 0)
  end)
  print(ok, table.concat(log, ","))
end
for i = 1, 100000 do pcall(error, i) end
print("many")
local co = coroutine.wrap(function() pcall(function() coroutine.yield(1) error("after") end) return 2 end)
print(co(), co())
print(fails(coroutine.resume, 1))
print(load("return +")) print(load("x ="))
print(pcall(string.gsub, "x", "(", ""))
print(#tostring(debug.traceback("t")) > 0)
local t = setmetatable({}, { __index = function(_, k) error("no " .. k, 0) end })
print(fails(function() return t.field end))
print(pcall(table.sort, { 3, 1, 2 }, function() error("compare", 0) end))
