-- Who serves a sale, and which of them delivers its events. Notes, beside commands, are what nodes tell.

local NODE_FORM = '<I8I8I8'

-- What was noted of a node's last call: when, and the epoch and sequence it came with; nil when the
-- node does not serve.
local function noted_call(s, node)
  local bytes = redis.call('HGET', s.keys[NODES], node)
  if bytes then
    local at, epoch, seq = unpack_bytes(NODE_FORM, bytes)
    return { at = at, epoch = epoch, seq = seq }
  end
end

local take_notes, serve

do

-- A node serves no more: the caller because it says so, another if it has been silent for so long. One
-- that never called since the sale was written has been silent since then.
local function part(s, node, silent_ms, record)
  if node ~= s.node then
    local last = noted_call(s, node)
    if s.at - (last and last.at or s.loaded_at or s.at) < silent_ms then
      return
    end
  end
  if not s.parted[node] then
    s.parted[node] = true
    insert(s.records, record)
  end
end

-- Notes, as `notes.rs` writes them; before them, that the node joins if it is not known.
function take_notes(s, node, joined, bytes)
  s.node, s.parted, s.last_call = node, {}, noted_call(s, node)
  if not s.last_call then
    insert(s.records, joined)
  end
  local at = 1
  while at <= #bytes do
    local kind = byte(bytes, at)
    if kind == 1 then
      local record
      record, at = unpack_bytes('<I4c0', bytes, at + 1)
      insert(s.records, record)
    else
      local silent_ms, parting, record
      silent_ms, parting, record, at = unpack_bytes('<I8I4c0I4c0', bytes, at + 1)
      part(s, parting, silent_ms, record)
    end
  end
end

local function note_call(s, point)
  local last = s.last_call
  if not last or s.at - last.at >= NODE_NOTED_MS or point.seq < last.seq then
    local now = pack(NODE_FORM, s.at, point.epoch, point.seq)
    redis.call('HSET', s.keys[NODES], s.node, now)
    redis.call('HSET', s.keys[META], 'called_at', s.at)
  end
end

-- Writes who parted and that the node serves. Returns whether it delivers the events: who calls first after
-- the lease ran out is, and each call prolongs the lease. Who parted has none.
function serve(s, point)
  for node in pairs(s.parted) do
    redis.call('HDEL', s.keys[NODES], node)
  end
  local over = s.parted[s.delivery or ''] and 0 or s.delivery_until or 0
  if s.parted[s.node] then
    redis.call('HSET', s.keys[META], 'delivery_until', over)
    return false
  end
  note_call(s, point)
  local mine = s.delivery == s.node and s.at < over
  if mine and over - s.at >= DELIVERY_LEASE_MS / 2 then
    return true
  elseif mine or s.at >= over then
    redis.call('HSET', s.keys[META], 'delivery', s.node, 'delivery_until', s.at + DELIVERY_LEASE_MS)
    return true
  end
  return false
end

end
