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
  'opens_at', 'closes_at', 'rejoin_tail', 'enters_once', 'rate', 'active_max', 'claim_window_ms', 'session_ms',
  'hold_ms', 'per_shopper_max', 'overbook', 'refund_restocks', 'offers', 'opened', 'closed',
  'archived', 'draining', 'paused', 'wall_offset', 'called_at', 'joined_seq', 'set_aside', 'issued', 'departed', 'called', 'watermark', 'level', 'filled_at', 'active',
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
  return redis.call('EXISTS', unpack(keys, LINE, FACTS)) + redis.call('EXISTS', unpack(keys, ENDED, KEPT_HOLDS))
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
    at = min(at, node_at + CLOCK_LEAP_MS)
  end
  return max(at, s.at)
end

-- Makes a sale ready for deciding at the present time.
local function begin(s, node_at)
  s.moved_at, s.at = s.at, now(s, node_at)
  s.records = {}
  s.chunks, s.chunks_changed, s.added = {}, {}, {}
  s.live, s.line_changed, s.line_added = {}, {}, {}
  s.deadlines, s.sessions_changed = {}, {}
  s.claims, s.claims_changed = {}, {}
  s.hold_bytes, s.holds_changed = {}, {}
  s.due_added, s.due_removed = {}, {}
  s.ended_added, s.ended_gone = {}, 0
  s.units, s.units_changed = {}, {}
  s.kept_entries, s.kept_holds = nil, nil
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

-- Gives a shopper a live place, or with `false` takes it. Where a shopper enters once, the line goes on
-- to say who had a place.
local function set_live(s, shopper, number)
  if not number and s.enters_once == 1 then
    s.has_taken = true
    return
  end
  s.live[shopper] = number
  s.has_taken = s.has_taken or not number
  s.line_changed[#s.line_changed + 1] = shopper
end

-- Sessions: there is one exactly while the place is called, admitted or completed.

local function has_session(state)
  return state == CALLED or state == ADMITTED or state == COMPLETED
end

-- Whether a place is still someone's: in line, called or let in.
local function is_live(state)
  return state == WAITING or has_session(state)
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

local is_full_of_holds, add_hold, has_many_past_holds, forget_past_holds

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

-- Holds past their time that one call forgets: some twenty milliseconds.
local PAST_HOLDS_MAX = 8192

-- Whether more holds are past their time than one call forgets.
function has_many_past_holds(s)
  local item = redis.call('LINDEX', s.keys[ENDED], PAST_HOLDS_MAX)
  return item and s.at - (unpack_bytes('<I8', item)) >= REPLAY_TTL_MS
end

-- Forgets holds that are past their time, when no new hold comes to push them out.
function forget_past_holds(s)
  for _, item in ipairs(redis.call('LRANGE', s.keys[ENDED], 0, PAST_HOLDS_MAX - 1)) do
    local at, id = unpack_bytes('<I8I8', item)
    if s.at - at < REPLAY_TTL_MS then
      return
    end
    s.ended_gone = s.ended_gone + 1
    put_hold(s, id, false)
  end
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

-- Answers kept for idempotency keys. Entries are kept apart from purchases and their steps, each kind with
-- a bound of its own: any number of entries makes no purchase's answer go.

local OF_ENTRIES, OF_HOLDS, read_kept, find_entry, find_hold, keep_entry, keep_hold, save_kept

do

local ENTRY_REPLAYS_MAX = 4194304
local HOLD_REPLAYS_MAX = 8388608
-- Answers past their time that one new answer removes. More than one, so that they become fewer.
local REPLAYS_FORGOTTEN_AT_ONCE = 4

-- A kind: the field of the sale that has what was read and is to be written; the keys of its answers and
-- of its queue; its bound; and the form of an answer: body, time, number of the place or hold, a hold's
-- state.
OF_ENTRIES = { name = 'kept_entries', answers = REPLAYS, queue = KEPT, most = ENTRY_REPLAYS_MAX,
  form = '<c16I8I8' }
OF_HOLDS = { name = 'kept_holds', answers = HOLD_REPLAYS, queue = KEPT_HOLDS, most = HOLD_REPLAYS_MAX,
  form = '<c16I8I8B' }

-- What this call knows of a kind: the answers read and changed by key, the keys that are to be kept, and
-- what is to be taken off the queue.
local function known_of(s, kind)
  local known = s[kind.name]
  if not known then
    known = { answers = {}, keeping = {}, forgotten = {} }
    s[kind.name] = known
  end
  return known
end

function read_kept(s, kind, replay_keys)
  local values = #replay_keys > 0 and read_all('HMGET', s.keys[kind.answers], replay_keys) or {}
  local answers = known_of(s, kind).answers
  for index, key in ipairs(replay_keys) do
    answers[key] = values[index]
  end
end

local function kept(s, kind, key)
  local answers = known_of(s, kind).answers
  if answers[key] == nil then
    read_kept(s, kind, { key })
  end
  return answers[key]
end

-- The oldest answer in the queue: its key and time; nothing when there is none.
local function oldest_kept(s, kind)
  local known = known_of(s, kind)
  if not known.oldest then
    known.length = known.length or redis.call('LLEN', s.keys[kind.queue])
    local item = redis.call('LINDEX', s.keys[kind.queue], #known.forgotten)
    known.oldest = item and { key = sub(item, 1, 16), at = (unpack_bytes('<I8', item, 17)) } or {}
  end
  return known.oldest.key, known.oldest.at
end

local function forget_oldest(s, kind, key, at)
  local known, value = known_of(s, kind), kept(s, kind, key)
  -- A key that was answered again is in the queue twice; only its own answer goes.
  local own = value and select(2, unpack_bytes(kind.form, value)) == at
  if own then
    known.answers[key] = false
  end
  known.forgotten[#known.forgotten + 1] = { key = key, own = own }
  known.oldest = nil
end

-- Forgets answers past their time, a few at once: those that stay are not found any more. At the bound the
-- oldest goes.
local function make_room_to_keep(s, kind)
  for _ = 1, REPLAYS_FORGOTTEN_AT_ONCE do
    local key, at = oldest_kept(s, kind)
    local known = known_of(s, kind)
    local length = known.length - #known.forgotten + #known.keeping
    if not key or (s.at - at < REPLAY_TTL_MS and length < kind.most) then
      return
    end
    forget_oldest(s, kind, key, at)
  end
end

-- What is known of a key: nil when it is new, and otherwise whether it came with this body, the number of
-- the place or hold that was told of, and a hold's state.
local function find(s, kind, replay)
  local value = kept(s, kind, replay.key)
  if not value then
    return nil
  end
  local body, at, number, state = unpack_bytes(kind.form, value)
  if s.at - at >= REPLAY_TTL_MS then
    return nil
  end
  return { same_body = body == replay.body, number = number, state = state }
end

function find_entry(s, replay)
  return find(s, OF_ENTRIES, replay)
end

function find_hold(s, replay)
  return find(s, OF_HOLDS, replay)
end

local function keep(s, kind, replay, ...)
  make_room_to_keep(s, kind)
  local known = known_of(s, kind)
  known.answers[replay.key] = pack(kind.form, replay.body, s.at, ...)
  known.keeping[#known.keeping + 1] = replay.key
end

function keep_entry(s, replay, number)
  keep(s, OF_ENTRIES, replay, number)
end

function keep_hold(s, replay, id, state)
  keep(s, OF_HOLDS, replay, id, state)
end

local function save_kind(s, kind)
  local known, gone, values, queue = known_of(s, kind), {}, {}, {}
  for _, item in ipairs(known.forgotten) do
    if item.own then
      gone[#gone + 1] = item.key
    end
  end
  if #known.forgotten > 0 then
    redis.call('LPOP', s.keys[kind.queue], #known.forgotten)
  end
  call_with_all('HDEL', s.keys[kind.answers], gone, 1)
  for _, key in ipairs(known.keeping) do
    if known.answers[key] then
      values[#values + 1] = key
      values[#values + 1] = known.answers[key]
    end
    queue[#queue + 1] = key .. pack('<I8', s.at)
  end
  call_with_all('HSET', s.keys[kind.answers], values, 2)
  call_with_all('RPUSH', s.keys[kind.queue], queue, 1)
end

function save_kept(s)
  save_kind(s, OF_ENTRIES)
  save_kind(s, OF_HOLDS)
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
