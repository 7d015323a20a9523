-- Counts words that it has put together.
local words, seed = {}, 42
for i = 1, 300000 do
    seed = (seed * 1103515245 + 12345) % 2147483648
    words[i] = string.format("w%d", seed % 5000)
end
local counts, total = {}, 0
for word in table.concat(words, " "):gmatch("%w+") do counts[word] = (counts[word] or 0) + 1 end
local keys = {}
for word in pairs(counts) do keys[#keys + 1] = word:upper():reverse() end
table.sort(keys)
print(#keys, keys[1], keys[#keys])
