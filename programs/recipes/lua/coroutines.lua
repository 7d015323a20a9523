local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
local s = 0 for v in gen(100000) do s = s + v end print(s)
local function permutations(a, n)
  n = n or #a
  if n <= 1 then coroutine.yield(table.concat(a, " ")) else
    for i = 1, n do a[n], a[i] = a[i], a[n] permutations(a, n - 1) a[n], a[i] = a[i], a[n] end
  end
end
for p in coroutine.wrap(function() permutations({ 1, 2, 3, 4 }) end) do print(p) end
local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) error("oops " .. b) end)
print(coroutine.resume(co, 1)) print(coroutine.resume(co, 5)) print(coroutine.status(co)) print(coroutine.resume(co))
local many = {}
for i = 1, 5000 do many[i] = coroutine.create(function() while true do coroutine.yield(i) end end) coroutine.resume(many[i]) end
local sum = 0 for i = 1, 5000 do sum = sum + select(2, coroutine.resume(many[i])) end print(sum)
print(coroutine.close(many[1]), coroutine.status(many[1]), coroutine.isyieldable())
local deep = function(n) return n end
for i = 1, 150 do local f = deep deep = function(n) return coroutine.wrap(function() return f(n) + 1 end)() end end
print(deep(0))
print(pcall(coroutine.wrap(function() table.sort({ 1, 2, 3 }, function() coroutine.yield() end) end)))
