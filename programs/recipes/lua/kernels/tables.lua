-- Sorts, and makes garbage.
local t = {}
for i = 1, 60000 do t[i] = (i * 7919) % 60013 end
table.sort(t)
table.sort(t, function(x, y) return x > y end)
local list
for i = 1, 300000 do list = {i, list and list[1]} end
print(t[1], t[#t], list[2])
