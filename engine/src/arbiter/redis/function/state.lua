-- The state of a sale: the only part that reads and writes its keys while it decides. Everything is
-- read once, changed in memory, and written by `save`.

-- A place: the shopper's key and the state. A field of the hash holds 64 places: neighbours, which
-- batches of entries and calls touch together, are read and written together, and 17 bytes take 17.
local CHUNK_PLACES = 64
local PLACE_BYTES = 17

-- Offset of the state and of the items' count in the byte form of a hold.
local HOLD_STATE = 33
local HOLD_ITEMS = 34

-- Fields of the meta hash that are numbers. An empty one is none.
local NUMBERS = {
  'epoch', 'last_epoch', 'seq', 'at', 'clock_offset', 'base_epoch', 'base_seq', 'places_epoch',
  'opens_at', 'closes_at', 'rejoin_tail', 'rate', 'active_max', 'claim_window_ms', 'session_ms',
  'hold_ms', 'per_shopper_max', 'overbook', 'refund_restocks', 'offers', 'opened', 'closed',
  'draining', 'paused', 'wall_offset', 'called_at', 'issued', 'departed', 'called', 'watermark', 'level', 'filled_at', 'active',
  'holds', 'loaded_at', 'delivery_until', 'present',
}
-- Fields that are bytes.
local TEXTS = { 'status', 'tag', 'chain', 'base_chain', 'loader', 'run', 'delivery' }
-- Fields that deciding changes.
local MOVING = {
  'last_epoch', 'seq', 'at', 'chain', 'issued', 'departed', 'called', 'watermark', 'level', 'filled_at',
  'active', 'holds', 'present', 'wall_offset',
}

local META_FIELDS, IS_FIELD, IS_NUMBER = {}, {}, {}

local function list_fields()
  for _, fields in ipairs({ NUMBERS, TEXTS }) do
    for _, field in ipairs(fields) do
      insert(META_FIELDS, field)
      IS_FIELD[field] = true
      IS_NUMBER[field] = fields == NUMBERS
    end
  end
end

-- The sale as its meta hash has it; nil when there is none. Read whole: a small hash is a list, in which
-- each field that is asked for by name costs a search.
local function read_meta(keys)
  local pairs_of = redis.call('HGETALL', keys[META])
  local s = { keys = keys }
  for index = 1, #pairs_of, 2 do
    local field, value = pairs_of[index], pairs_of[index + 1]
    if IS_NUMBER[field] then
      value = tonumber(value)
    end
    s[field] = value
  end
  return s.status and s
end

-- How many there are of the keys that hold what is decided on, and the facts.
local function count_present(keys)
  return redis.call('EXISTS', keys[ENDED], unpack(keys, LINE, FACTS))
end

-- Whether every key is there that the last change left. One may have been evicted, or have gone to
-- another shard with a move that was broken off: what is decided on the others would be wrong.
local function is_whole(s)
  return not s.present or s.present == count_present(s.keys)
end

-- Milliseconds by the store's clock.
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + floor(tonumber(time[2]) / 1000)
end

-- The wall clock. Only tests set an offset.
local function wall_clock(s)
  return clock() + (s.clock_offset or 0)
end

-- The time of a sale, never before the last entry's: the wall clock less how far it is known to be from
-- the sale's time. `node_at` is what the calling node takes that time to be, by its own monotonic clock:
-- a wall clock that leapt ahead moves the sale's time no further than that allows.
local function now(s, node_at)
  local at = wall_clock(s) - (s.wall_offset or 0)
  if node_at then
    -- A call may be on its way for two seconds.
    at = min(at, node_at + 2000)
  end
  return max(at, s.at)
end

-- Makes a sale ready for deciding at the present time.
local function begin(s, node_at)
  s.at = now(s, node_at)
  s.records = {}
  s.chunks, s.chunks_changed, s.added = {}, {}, {}
  s.live, s.line_changed, s.line_added = {}, {}, {}
  s.deadlines, s.sessions_changed = {}, {}
  s.claims, s.claims_changed = {}, {}
  s.hold_bytes, s.holds_changed = {}, {}
  s.due_added, s.due_removed = {}, {}
  s.ended_added, s.ended_gone = {}, 0
  s.units, s.units_changed = {}, {}
  s.kept, s.keeping, s.forgotten = {}, {}, {}
  return s
end

-- Places by number.

local function chunk_of(number)
  local slot = number - 1
  local within = slot % CHUNK_PLACES
  return (slot - within) / CHUNK_PLACES, within * PLACE_BYTES
end

local function chunk_bytes(s, chunk)
  local bytes = s.chunks[chunk]
  if not bytes then
    bytes = redis.call('HGET', s.keys[PLACES], chunk) or ''
    s.chunks[chunk] = bytes
  end
  local added = s.added[chunk]
  if added then
    insert(added, 1, bytes)
    bytes = concat(added)
    s.chunks[chunk], s.added[chunk] = bytes, nil
  end
  return bytes
end

local function put_chunk(s, chunk, bytes)
  s.chunks[chunk] = bytes
  s.chunks_changed[chunk] = true
end

-- State and shopper of a place; nothing for a number never given out.
local function place(s, number)
  if number < 1 or number > s.issued then
    return nil
  end
  local chunk, offset = chunk_of(number)
  local bytes = chunk_bytes(s, chunk)
  return byte(bytes, offset + PLACE_BYTES), sub(bytes, offset + 1, offset + 16)
end

local function set_place(s, number, state)
  local chunk, offset = chunk_of(number)
  local bytes = chunk_bytes(s, chunk)
  local before, behind = sub(bytes, 1, offset + 16), sub(bytes, offset + PLACE_BYTES + 1)
  put_chunk(s, chunk, before .. char(state) .. behind)
end

-- Adds the next place. Joined to its chunk when that is looked at: a crowd enters in one piece.
local function add_place(s, number, shopper)
  local chunk = chunk_of(number)
  local added = s.added[chunk] or {}
  added[#added + 1] = shopper .. char(WAITING)
  s.added[chunk] = added
  s.chunks_changed[chunk] = true
end

-- Adds the places of `shoppers` behind the last, all waiting.
local function add_places(s, number, shoppers, count)
  local waiting, first = char(WAITING), 1
  while first <= count do
    local chunk, offset = chunk_of(number + first - 1)
    local last = min(first + CHUNK_PLACES - 1 - offset / PLACE_BYTES, count)
    local added = s.added[chunk] or {}
    added[#added + 1], added[#added + 2] = concat(shoppers, waiting, first, last), waiting
    s.added[chunk] = added
    s.chunks_changed[chunk] = true
    first = last + 1
  end
end

-- Live places by shopper.

local function read_live(s, shoppers)
  local scores = #shoppers > 0 and read_all('ZMSCORE', s.keys[LINE], shoppers) or {}
  local live = s.live
  for index = 1, #shoppers do
    local score = scores[index]
    live[shoppers[index]] = score and tonumber(score)
  end
end

local function live(s, shopper)
  if s.live[shopper] == nil then
    read_live(s, { shopper })
  end
  return s.live[shopper]
end

-- Gives a shopper a live place, or with `false` takes it.
local function set_live(s, shopper, number)
  s.live[shopper] = number
  s.has_taken = s.has_taken or not number
  s.line_changed[#s.line_changed + 1] = shopper
end

-- Sessions: there is one exactly while the place is called, admitted or completed.

local function has_session(state)
  return state == CALLED or state == ADMITTED or state == COMPLETED
end

local function deadline(s, number)
  if s.deadlines[number] == nil then
    local score = redis.call('ZSCORE', s.keys[SESSIONS], sortable(number))
    s.deadlines[number] = tonumber(score or '') or false
  end
  return s.deadlines[number]
end

local function set_deadline(s, number, at)
  s.deadlines[number] = at
  s.sessions_changed[#s.sessions_changed + 1] = number
end

local function claimed_at(s, number)
  if s.claims[number] == nil then
    s.claims[number] = tonumber(redis.call('HGET', s.keys[CLAIMS], number) or '') or false
  end
  return s.claims[number]
end

local function set_claimed_at(s, number, at)
  s.claims[number] = at
  s.claims_changed[#s.claims_changed + 1] = number
end

local function due_ids(s, key, count)
  if count <= 0 then
    return {}
  end
  return redis.call('ZRANGE', s.keys[key], '-inf', s.at, 'BYSCORE', 'LIMIT', 0, count)
end

-- Stock: for each offer available, held, paying, sold, stranded, price.

local STOCK_FORM = '<I8I8I8I8I8I8'

local function stock(s)
  if not s.stock then
    local offers = {}
    for offer = 0, s.offers - 1 do
      offers[#offers + 1] = offer
    end
    s.stock, s.stock_changed = {}, {}
    for index, bytes in ipairs(read_all('HMGET', s.keys[STOCK], offers)) do
      s.stock[index - 1] = { unpack_bytes(STOCK_FORM, bytes) }
    end
  end
  return s.stock
end

local function move_units(s, offer, from, to, units)
  local piles = stock(s)[offer]
  piles[from] = piles[from] - units
  piles[to] = piles[to] + units
  s.stock_changed[offer] = true
end

-- Units not sold for good: available, held and being paid.
local function sellable(s)
  local units = 0
  for offer = 0, s.offers - 1 do
    local piles = stock(s)[offer]
    units = units + piles[1] + piles[2] + piles[3]
  end
  return units
end

-- Holds, in their byte form.

local function hold_bytes(s, id)
  if id < 1 or id > s.holds then
    return nil
  end
  if s.hold_bytes[id] == nil then
    s.hold_bytes[id] = redis.call('HGET', s.keys[HOLDS], id)
  end
  return s.hold_bytes[id]
end

local function put_hold(s, id, bytes)
  s.hold_bytes[id] = bytes
  s.holds_changed[#s.holds_changed + 1] = id
end

-- Released and expired holds are forgotten a day after they ended, or earlier when too many are kept.

local is_full_of_holds, add_hold

do

local HOLDS_MAX = 4194304
-- Ended holds that one new hold makes forgotten. More than one, so that they become fewer.
local HOLDS_FORGOTTEN_AT_ONCE = 2

local function holds_kept(s)
  s.holds_kept = s.holds_kept or redis.call('HLEN', s.keys[HOLDS])
  return s.holds_kept
end

-- The hold that ended first of those that are kept, and when; `false` when there is none. One that ended
-- in this batch is not among them: it is not forgotten yet.
local function first_ended(s)
  if s.first_ended == nil then
    local item = redis.call('LINDEX', s.keys[ENDED], s.ended_gone)
    s.first_ended = false
    if item then
      local at, id = unpack_bytes('<I8I8', item)
      s.first_ended = { at = at, id = id }
    end
  end
  return s.first_ended
end

-- Whether no more holds can be made: none of those that are kept can be forgotten.
function is_full_of_holds(s)
  if holds_kept(s) < HOLDS_MAX then
    return false
  end
  local first = first_ended(s)
  return not first or first.at >= s.at
end

local function make_room_to_hold(s)
  for _ = 1, HOLDS_FORGOTTEN_AT_ONCE do
    local first = first_ended(s)
    local is_due = first and s.at - first.at >= REPLAY_TTL_MS
    if not first or (not is_due and (holds_kept(s) < HOLDS_MAX or first.at >= s.at)) then
      return
    end
    s.ended_gone, s.first_ended = s.ended_gone + 1, nil
    s.holds_kept = holds_kept(s) - 1
    put_hold(s, first.id, false)
  end
end

-- Adds a hold behind the others.
function add_hold(s, id, bytes)
  make_room_to_hold(s)
  s.holds_kept = holds_kept(s) + 1
  put_hold(s, id, bytes)
end

end

-- Items of a hold, as { offer, quantity }.
local function items_of(bytes)
  local count, at = unpack_bytes('<I8', bytes, HOLD_ITEMS)
  local items = {}
  for _ = 1, count do
    local offer, quantity, _, following = unpack_bytes('<HI4I8', bytes, at)
    items[#items + 1] = { offer = offer, quantity = quantity }
    at = following
  end
  return items
end

-- What a shopper has of the sale: units that count against the limit, open holds, and holds made.
local function share(s, shopper)
  if not s.units[shopper] then
    local bytes = redis.call('HGET', s.keys[UNITS], shopper)
    local units, open, made = 0, 0, 0
    if bytes then
      units, open, made = unpack_bytes('<I8I4I4', bytes)
    end
    s.units[shopper] = { units = units, open = open, made = made }
  end
  return s.units[shopper]
end

-- A shopper's share, about to be changed.
local function share_to_change(s, shopper)
  s.units_changed[#s.units_changed + 1] = shopper
  return share(s, shopper)
end

-- Answers kept for idempotency keys: body, time, what of, its number, its state.

local read_kept, look_up, keep

do

local REPLAYS_MAX = 4194304
-- Expired answers that one new answer removes. More than one, so that they become fewer.
local FORGET_MAX = 4
local KEPT_FORM = '<c16I8BI8B'

function read_kept(s, replay_keys)
  local values = #replay_keys > 0 and read_all('HMGET', s.keys[REPLAYS], replay_keys) or {}
  for index, key in ipairs(replay_keys) do
    s.kept[key] = values[index]
  end
end

local function kept(s, key)
  if s.kept[key] == nil then
    read_kept(s, { key })
  end
  return s.kept[key]
end

-- The oldest answer in the queue: its key and time; nothing when there is none.
local function oldest_kept(s)
  if not s.oldest then
    s.kept_length = s.kept_length or redis.call('LLEN', s.keys[KEPT])
    local item = redis.call('LINDEX', s.keys[KEPT], #s.forgotten)
    s.oldest = item and { key = sub(item, 1, 16), at = (unpack_bytes('<I8', item, 17)) } or {}
  end
  return s.oldest.key, s.oldest.at
end

local function forget_oldest(s, key, at)
  local value = kept(s, key)
  -- A key that expired and was used again is in the queue twice; only its own answer goes.
  local own = value and select(2, unpack_bytes(KEPT_FORM, value)) == at
  if own then
    s.kept[key] = false
  end
  s.forgotten[#s.forgotten + 1] = { key = key, own = own }
  s.oldest = nil
end

-- Lets go of answers past their time, a few at a time: those that stay are not found any more.
local function make_room_to_keep(s)
  for _ = 1, FORGET_MAX do
    local key, at = oldest_kept(s)
    local length = s.kept_length - #s.forgotten + #s.keeping
    if not key or (s.at - at < REPLAY_TTL_MS and length < REPLAYS_MAX) then
      return
    end
    forget_oldest(s, key, at)
  end
end

-- What is known of a key: nil when it is new, `false` when it came with another body, and otherwise
-- what was answered: of what, number, state.
function look_up(s, key, body)
  local value = kept(s, key)
  if not value then
    return nil
  end
  local with_body, at, of, number, state = unpack_bytes(KEPT_FORM, value)
  if s.at - at >= REPLAY_TTL_MS then
    return nil
  end
  return with_body == body and { of = of, number = number, state = state }
end

function keep(s, replay, of, number, state)
  make_room_to_keep(s)
  s.kept[replay.key] = pack(KEPT_FORM, replay.body, s.at, of, number, state)
  s.keeping[#s.keeping + 1] = replay.key
end

end

-- Writing.

local save_meta, save

do

local function save_line(s)
  local added, removed = {}, {}
  for _, shopper in ipairs(s.line_changed) do
    local number = s.live[shopper]
    if number then
      added[#added + 1] = number
      added[#added + 1] = shopper
    else
      removed[#removed + 1] = shopper
    end
  end
  -- Added first: what changed since is in both.
  call_with_all('ZADD', s.keys[LINE], s.line_added, 2)
  call_with_all('ZADD', s.keys[LINE], added, 2)
  call_with_all('ZREM', s.keys[LINE], removed, 1)
  local chunks = {}
  for chunk in pairs(s.chunks_changed) do
    chunks[#chunks + 1] = chunk
    chunks[#chunks + 1] = chunk_bytes(s, chunk)
  end
  call_with_all('HSET', s.keys[PLACES], chunks, 2)
end

local function save_sessions(s)
  local added, removed = {}, {}
  for _, number in ipairs(s.sessions_changed) do
    local at = s.deadlines[number]
    if at then
      added[#added + 1] = at
    end
    insert(at and added or removed, sortable(number))
  end
  call_with_all('ZADD', s.keys[SESSIONS], added, 2)
  call_with_all('ZREM', s.keys[SESSIONS], removed, 1)
  local claimed, ended = {}, {}
  for _, number in ipairs(s.claims_changed) do
    local at = s.claims[number]
    insert(at and claimed or ended, number)
    if at then
      claimed[#claimed + 1] = at
    end
  end
  call_with_all('HSET', s.keys[CLAIMS], claimed, 2)
  call_with_all('HDEL', s.keys[CLAIMS], ended, 1)
end

local function save_holds(s)
  local holds, forgotten, units = {}, {}, {}
  for _, id in ipairs(s.holds_changed) do
    local bytes = s.hold_bytes[id]
    insert(bytes and holds or forgotten, id)
    if bytes then
      holds[#holds + 1] = bytes
    end
  end
  call_with_all('HSET', s.keys[HOLDS], holds, 2)
  call_with_all('HDEL', s.keys[HOLDS], forgotten, 1)
  if s.ended_gone > 0 then
    redis.call('LPOP', s.keys[ENDED], s.ended_gone)
  end
  call_with_all('RPUSH', s.keys[ENDED], s.ended_added, 1)
  -- Added first: a hold that was made and ended in one batch is in both.
  call_with_all('ZADD', s.keys[DUE], s.due_added, 2)
  call_with_all('ZREM', s.keys[DUE], s.due_removed, 1)
  for _, shopper in ipairs(s.units_changed) do
    local of = s.units[shopper]
    units[#units + 1] = shopper
    units[#units + 1] = pack('<I8I4I4', of.units, of.open, of.made)
  end
  call_with_all('HSET', s.keys[UNITS], units, 2)
end

local function save_stock(s)
  for offer in pairs(s.stock_changed or {}) do
    redis.call('HSET', s.keys[STOCK], offer, pack(STOCK_FORM, unpack(s.stock[offer])))
  end
end

local function save_kept(s)
  local gone, values, queue = {}, {}, {}
  for _, item in ipairs(s.forgotten) do
    if item.own then
      gone[#gone + 1] = item.key
    end
  end
  if #s.forgotten > 0 then
    redis.call('LPOP', s.keys[KEPT], #s.forgotten)
  end
  call_with_all('HDEL', s.keys[REPLAYS], gone, 1)
  for _, key in ipairs(s.keeping) do
    if s.kept[key] then
      values[#values + 1] = key
      values[#values + 1] = s.kept[key]
    end
    queue[#queue + 1] = key .. pack('<I8', s.at)
  end
  call_with_all('HSET', s.keys[REPLAYS], values, 2)
  call_with_all('RPUSH', s.keys[KEPT], queue, 1)
end

-- The meta fields named, as arguments of HSET.
function save_meta(s, fields)
  local arguments = {}
  for _, field in ipairs(fields) do
    arguments[#arguments + 1] = field
    arguments[#arguments + 1] = s[field] == nil and '' or s[field]
  end
  redis.call('HSET', s.keys[META], unpack(arguments))
end

function save(s)
  save_line(s)
  save_sessions(s)
  save_holds(s)
  save_stock(s)
  save_kept(s)
end

end
