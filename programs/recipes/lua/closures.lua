local function counter() local n = 0 return function() n = n + 1 return n end end
local a, b = counter(), counter()
print(a(), a(), b())
local fs = {}
for i = 1, 5 do fs[i] = function() i = i * 2 return i end end
for i = 1, 5 do io.write(fs[i](), " ", fs[i](), " ") end print()
local function y(f) return (function(x) return x(x) end)(function(x) return f(function(...) return x(x)(...) end) end) end
print(y(function(self) return function(n) return n < 2 and 1 or n * self(n - 1) end end)(20))
goto done
print("skipped")
::done::
local t = setmetatable({}, { __call = function(self, a) return a + 1 end, __len = function() return 42 end,
  __concat = function(l, r) return "cat" end, __eq = function() return true end, __lt = function() return true end })
print(t(1), #t, t .. "x", t < t)
print(select(-1, 1, 2, 3), table.unpack({ 1, 2, 3 }, 2))
for w, n in pairs({ one = 1 }) do print(w, n) end
print(1 // 0.0, -1 // 0.0, 7 // -2, 7 % -3, -7 % 3, 1e15, 2^53, 1 << 63, 3 | 4 ~ 1)
print(math.maxinteger + 1 == math.mininteger, math.type(1), math.type(1.0), 10 // 3, 10 / 2)
print(pcall(function() return 1 // 0 end))
