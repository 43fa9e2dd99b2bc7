-- Who serves a sale, and which of them delivers its events. Notes, beside commands, are what nodes tell.
--
-- A node that joins acknowledges nothing before every other node has journaled that it joined: until then
-- a loss of the store could leave nobody who knows that there is a node to wait for. The others are those
-- that serve, and those that were parted for being silent, for as long as they may come back and speak
-- for the sale.

local members = {
  -- What a node is: it joined and is not yet known to all, it is known, it was parted for being silent, or it
  -- said itself that it parts.
  JOINING = 0, KNOWN = 1, SILENT = 2, GONE = 3,
}

do

local FORM = '<I8I8I8I8BI8'

local function read(bytes)
  local at, epoch, seq, joined, standing, parted_at = unpack_bytes(FORM, bytes)
  return {
    at = at, epoch = epoch, seq = seq, joined = joined, standing = standing, parted_at = parted_at,
  }
end

local function write(keys, node, noted)
  redis.call('HSET', keys[NODES], node,
    pack(FORM, noted.at, noted.epoch, noted.seq, noted.joined, noted.standing, noted.parted_at))
end

-- What is noted of a node: when it called last, the epoch and sequence that it had journaled by then, the
-- sequence of the entry with which it joined, its standing, and when it was parted last since all knew it,
-- or 0.
local function noted(s, node)
  local bytes = redis.call('HGET', s.keys[NODES], node)
  return bytes and read(bytes)
end

-- Whether a node of which something is noted serves.
function members.serves(noted)
  return noted.standing == members.JOINING or noted.standing == members.KNOWN
end

-- A node serves no more: the caller because it says so, another if it has been silent for so long. One
-- that never called since the sale was written has been silent since then.
local function part(s, node, silent_ms, record)
  if node ~= s.node then
    local last = noted(s, node)
    if last and not members.serves(last) then
      return
    end
    local since = s.loaded_at and s.loaded_at - (s.wall_offset or 0)
    if s.at - (last and last.at or since or s.at) < silent_ms then
      return
    end
  end
  if not s.parted[node] then
    s.parted[node] = true
    insert(s.records, record)
  end
end

-- What a node's name ends with: which journal it has.
local INCARNATION_BYTES = 9

-- Whether another node has journaled that the caller joined. One that has called no more since before the
-- caller was parted has not heard of that either, and takes the caller for a member since all knew it. A
-- node with the caller's incarnation is the caller under an earlier name.
local function knows(s, name, other)
  local is_older = other.at + NODE_NOTED_MS < s.own.parted_at
  local is_own = sub(name, -INCARNATION_BYTES) == sub(s.node, -INCARNATION_BYTES)
  return is_own or is_older or other.seq >= s.own.joined
end

-- Whether all the others have journaled that the caller joined.
local function is_known_to_all(s)
  local flat = redis.call('HGETALL', s.keys[NODES])
  for index = 1, #flat, 2 do
    local other = read(flat[index + 1])
    if not members.serves(other) and s.at - other.at >= SILENT_KEPT_MS then
      s.forgotten_nodes[#s.forgotten_nodes + 1] = flat[index]
    elseif other.standing ~= members.GONE and not knows(s, flat[index], other) then
      return false
    end
  end
  return true
end

-- Notes, as `notes.rs` writes them; before them, that the node joins if it does not serve. Returns whether
-- the node may ask anything: it is known to all.
function members.take_notes(s, node, joined, bytes)
  s.node, s.parted, s.forgotten_nodes = node, {}, {}
  local own = noted(s, node)
  if not own or not members.serves(own) then
    local parted_at = own and own.parted_at or 0
    own = {
      at = 0, epoch = 0, seq = 0, joined = s.seq + 1, standing = members.JOINING, parted_at = parted_at,
      is_new = true,
    }
    insert(s.records, joined)
  end
  s.own = own
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
  if s.own.standing == members.JOINING and is_known_to_all(s) then
    s.own.standing, s.own.is_changed = members.KNOWN, true
  end
  return s.own.standing == members.KNOWN
end

-- Whether the note of the caller is to be renewed: now and then, and at once when another waits for it.
local function is_note_due(s, journaled)
  local own = s.own
  local is_awaited = own.seq < (s.joined_seq or 0) and journaled.seq >= s.joined_seq
  return own.is_new or own.is_changed or is_awaited or s.at - own.at >= NODE_NOTED_MS
    or journaled.seq < own.seq
end

local function note_call(s, journaled)
  local own = s.own
  if is_note_due(s, journaled) then
    own.at, own.epoch, own.seq = s.at, journaled.epoch, journaled.seq
    write(s.keys, s.node, own)
    redis.call('HSET', s.keys[META], 'called_at', s.at)
  end
  if own.is_new then
    redis.call('HSET', s.keys[META], 'joined_seq', own.joined)
  end
end

local function note_parted(s)
  for node in pairs(s.parted) do
    local last = node == s.node and s.own or noted(s, node)
    if last then
      -- Who was parted before all knew it goes by when it was parted before that, if ever.
      last.parted_at = last.standing == members.KNOWN and s.at or last.parted_at
      last.at = node == s.node and s.at or last.at
      last.standing = node == s.node and members.GONE or members.SILENT
      write(s.keys, node, last)
    end
  end
  for _, node in ipairs(s.forgotten_nodes) do
    redis.call('HDEL', s.keys[NODES], node)
  end
end

-- Writes who parted and that the node serves; `journaled` is the point it has journaled. Returns 2 while it
-- is not known to all, 1 when it delivers the events, otherwise 0. Who calls first after the lease ran out
-- delivers, and each call prolongs the lease, every half a second at most. Who parted has none.
function members.serve(s, journaled)
  note_parted(s)
  local over = s.parted[s.delivery or ''] and 0 or s.delivery_until or 0
  if s.parted[s.node] then
    redis.call('HSET', s.keys[META], 'delivery_until', over)
    return 0
  end
  note_call(s, journaled)
  if s.own.standing == members.JOINING then
    return 2
  end
  local mine = s.delivery == s.node and s.at < over
  if mine and over - s.at > DELIVERY_LEASE_MS - NODE_NOTED_MS then
    return 1
  elseif mine or s.at >= over then
    redis.call('HSET', s.keys[META], 'delivery', s.node, 'delivery_until', s.at + DELIVERY_LEASE_MS)
    return 1
  end
  return 0
end

-- Whether a node may change anything.
function members.is_known(keys, node)
  local bytes = redis.call('HGET', keys[NODES], node)
  return bytes and read(bytes).standing == members.KNOWN
end

-- Notes a node of a sale that is written again, as if it had called at `at`. One that was known to all then
-- parts from them at the same time.
function members.seed(keys, node, standing, joined, at)
  local parted_at = standing == members.SILENT and at or 0
  write(keys, node, {
    at = at, epoch = 0, seq = 0, joined = joined, standing = standing, parted_at = parted_at,
  })
end

-- The epoch and sequence that the node has journaled which is furthest behind of those that serve, and of
-- `point`.
function members.furthest_behind(s, point)
  local flat = redis.call('HGETALL', s.keys[NODES])
  for index = 2, #flat, 2 do
    local last = read(flat[index])
    if members.serves(last) and last.seq < point.seq then
      point = last
    end
  end
  return point
end

end
