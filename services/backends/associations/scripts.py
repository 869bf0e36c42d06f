"""What Redis does to strings of edges by itself, in Lua: nobody reads or writes one meanwhile."""

from __future__ import annotations

__all__ = ["CUT", "MERGE"]

# KEYS[1]: prefix of the strings, KEYS[2]: the stamp. ARGV[1]: limits, JSON {modality's code: n}, ARGV[2]: the stamp
# from now on. Then appearances, each with new records.
MERGE = """
local limits = cjson.decode(ARGV[1])
local function stronger(a, b)
  if a[2] ~= b[2] then return a[2] > b[2] end
  return a[1] < b[1]
end
redis.call('SET', KEYS[2], ARGV[2])
for i = 3, #ARGV, 2 do
  local key = KEYS[1] .. ARGV[i]
  local records = (redis.call('GET', key) or '') .. ARGV[i + 1]
  local last = {}
  for at = 1, #records, 21 do
    last[string.sub(records, at, at + 16)] = string.sub(records, at + 17, at + 20)
  end
  local groups = {}
  for far, packed in pairs(last) do
    local code = string.byte(far, 17)
    groups[code] = groups[code] or {}
    table.insert(groups[code], {far, struct.unpack('<f', packed), packed})
  end
  local kept = {}
  for code, group in pairs(groups) do
    table.sort(group, stronger)
    for rank = 1, math.min(#group, limits[tostring(code)] or #group) do
      table.insert(kept, group[rank][1] .. group[rank][3])
    end
  end
  redis.call('SET', key, table.concat(kept))
end
return #ARGV
"""
# KEYS[1]: prefix of the strings, KEYS[2]: the stamp. ARGV[1]: ids that go, 16 bytes each, ARGV[2]: the stamp from now
# on. Then the appearances whose edges to them go.
CUT = """
local gone = {}
for at = 1, #ARGV[1], 16 do gone[string.sub(ARGV[1], at, at + 15)] = true end
redis.call('SET', KEYS[2], ARGV[2])
for i = 3, #ARGV do
  local key = KEYS[1] .. ARGV[i]
  local records = redis.call('GET', key)
  if records then
    local kept = {}
    for at = 1, #records, 21 do
      local record = string.sub(records, at, at + 20)
      if not gone[string.sub(record, 1, 16)] then table.insert(kept, record) end
    end
    redis.call('SET', key, table.concat(kept))
  end
end
return #ARGV
"""
