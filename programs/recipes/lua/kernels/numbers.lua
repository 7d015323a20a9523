-- Multiplies matrices.
local n = 200
local function matrix(f)
    local m = {}
    for i = 1, n do
        m[i] = {}
        for j = 1, n do m[i][j] = f(i, j) end
    end
    return m
end
local a, b = matrix(function(i, j) return i - j / n end), matrix(function(i, j) return j + i / n end)
local c = matrix(function(i, j)
    local sum, row = 0.0, a[i]
    for k = 1, n do sum = sum + row[k] * b[k][j] end
    return sum
end)
print(string.format("%.6f", c[n][1] + c[1][n]))
