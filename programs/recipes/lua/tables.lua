local t = {} for i = 1, 200000 do t[i] = (i * 7919) % 200003 end table.sort(t) local ok = true
for i = 2, #t do ok = ok and t[i - 1] <= t[i] end print(ok, t[1], t[#t])
table.sort(t, function(a, b) return a > b end) print(t[1])
local words = {} for w in ("the quick brown fox jumps over the lazy dog"):gmatch("%a+") do words[#words + 1] = w end
table.sort(words) print(table.concat(words, " ")) table.insert(words, 3, "new") print(table.remove(words), #words, table.concat(words, " "))
local h = {} for i = 1, 100000 do h["k" .. i] = i end for i = 1, 100000, 2 do h["k" .. i] = nil end
local n = 0 for _ in pairs(h) do n = n + 1 end print(n)
print(table.unpack(table.move({ 1, 2, 3 }, 1, 3, 2)))
local weak = setmetatable({}, { __mode = "k" }) for i = 1, 1000 do weak[{}] = i end collectgarbage() print(next(weak))
local closed = 0 for i = 1, 100 do setmetatable({}, { __gc = function() closed = closed + 1 end }) end collectgarbage() collectgarbage() print(closed)
collectgarbage("generational") for i = 1, 100000 do local x = { i, { i } } end collectgarbage("incremental") print(collectgarbage("count") < 100000)
