-- The calls: whether the node and the store know the same history, what the stream is given, and what
-- is answered. Each answer is a list whose first item says how it went.

local function entry_id(epoch, seq)
  return string.format('%.0f-%.0f', epoch, seq)
end

-- The place in the stream that a node has come to, from three arguments.
local function read_point(args, at)
  return { epoch = tonumber(args[at]), seq = tonumber(args[at + 1]), chain = args[at + 2] }
end

-- Where the stream's first entry stands that is still there; nil when there is none.
local function first_seq(s)
  local first = redis.call('XRANGE', s.keys[FACTS], '-', '+', 'COUNT', 1)[1]
  return first and tonumber(first[2][6])
end

-- Nothing when the stream has the point: the node's history is a beginning of ours. Otherwise why not.
local function mismatch(s, point)
  if point.seq == s.seq and point.epoch == s.last_epoch and point.chain == s.chain then
    return nil
  end
  local diverged = { 'diverged', s.last_epoch, s.seq, s.chain }
  if point.seq >= s.seq then
    return diverged
  end
  local id = entry_id(point.epoch, point.seq)
  local found = redis.call('XRANGE', s.keys[FACTS], id, id)[1]
  if found then
    return found[2][8] ~= point.chain and diverged or nil
  end
  local first = first_seq(s) or s.seq + 1
  local base = point.seq == s.base_seq and first == point.seq + 1
  if base then
    local same = point.epoch == s.base_epoch and point.chain == s.base_chain
    return not same and diverged or nil
  end
  return point.seq < first and { 'trimmed', first } or diverged
end

-- The sale, open and in the epoch that the node believes in; or the answer that says what is not so.
local function opened(keys, epoch)
  local s = read_meta(keys)
  if not s or s.status == 'gone' then
    return nil, { 'unknown' }
  elseif s.status ~= 'open' then
    return nil, { 'loading', s.epoch }
  elseif epoch and epoch ~= s.epoch then
    return nil, { 'epoch', s.epoch }
  end
  return s
end

-- The sale, open, whose history the node's is a beginning of; or the answer that says what is not so.
local function shared(keys, epoch, point)
  local s, refusal = opened(keys, epoch)
  refusal = refusal or mismatch(s, point)
  if refusal then
    return nil, refusal
  end
  return s
end

-- Adds entries after `point` to an answer: time, epoch, seq, chain and records of each.
local function add_entries(s, answer, point, count)
  local after = '(' .. entry_id(point.epoch, point.seq)
  for _, entry in ipairs(redis.call('XRANGE', s.keys[FACTS], after, '+', 'COUNT', count)) do
    local fields = entry[2]
    for value = 2, 10, 2 do
      insert(answer, fields[value])
    end
  end
  return answer
end

local function write_entry(s, epoch, seq, chain, at, records)
  redis.call('XADD', s.keys[FACTS], 'MAXLEN', '~', FACTS_ENTRIES_MAX, entry_id(epoch, seq),
    'at', at, 'epoch', epoch, 'seq', seq, 'chain', chain, 'records', records)
end

-- Makes the decided facts the stream's next entry and writes what they changed. The entry comes first:
-- it is the one write that Redis could refuse.
local function commit(s, fields)
  local records = concat(s.records)
  s.last_epoch, s.seq = s.epoch, s.seq + 1
  s.chain = redis.sha1hex(s.chain .. pack('<I8', s.at) .. records)
  write_entry(s, s.epoch, s.seq, s.chain, s.at, records)
  save(s)
  save_meta(s, fields)
end

-- epoch; the node's point (epoch, seq, chain); whether new holds are refused; commands.
local function decide(keys, args)
  local point = read_point(args, 2)
  local s, refusal = shared(keys, tonumber(args[1]), point)
  if not s then
    return refusal
  elseif s.seq - point.seq >= FACTS_READ_MAX then
    return { 'behind', s.seq }
  end
  begin(s)
  s.stalled = args[5] == '1'
  local replies = decide_all(s, read_commands(args[6]))
  if #s.records > 0 then
    commit(s, MOVING)
  end
  local answer, own = { 'ok', s.epoch, s.at, replies }, #s.records > 0 and 1 or 0
  if s.seq - point.seq > own then
    return add_entries(s, answer, point, FACTS_READ_MAX)
  elseif own == 1 then
    -- Nothing came between: what was just written need not be read.
    for _, value in ipairs({ s.at, s.epoch, s.seq, s.chain, concat(s.records) }) do
      insert(answer, value)
    end
  end
  return answer
end

-- What a change decided by a node does to the state, by name.
local EFFECTS = {
  set = function(s, field, value)
    assert(IS_FIELD[field], 'no such field')
    s[field] = tonumber(value)
  end,
  rate = function(s, rate)
    local level = level_now(s)
    s.rate = tonumber(rate)
    s.level = min(level, max(s.rate * GATE_BURST_MS, ADMISSION))
    s.filled_at = s.at
  end,
  restart = function(s)
    s.level, s.filled_at = min(s.level, ADMISSION), s.at
  end,
  restock = function(s, offer, units)
    local piles = stock(s)[tonumber(offer)]
    piles[1] = piles[1] + tonumber(units)
    assert(piles[1] >= 0, 'no more units leave than are there')
    s.stock_changed[tonumber(offer)] = true
  end,
  unstrand = function(s, offer, units)
    local piles = stock(s)[tonumber(offer)]
    piles[1], piles[5] = piles[1] + tonumber(units), piles[5] - tonumber(units)
    assert(piles[5] >= 0, 'no more units come back than are stranded')
    s.stock_changed[tonumber(offer)] = true
  end,
  delete = function(s)
    s.status = 'gone'
  end,
}

-- epoch; the node's point; records; then effects, three arguments each.
local function append(keys, args)
  local point = read_point(args, 2)
  local s, refusal = shared(keys, tonumber(args[1]), point)
  if not s then
    return refusal
  elseif point.seq ~= s.seq then
    return { 'moved', s.seq }
  end
  begin(s)
  insert(s.records, args[5])
  for at = 6, #args, 3 do
    EFFECTS[args[at]](s, args[at + 1], args[at + 2])
  end
  local fields = {}
  for _, field in ipairs(META_FIELDS) do
    if field ~= 'clock_offset' then
      insert(fields, field)
    end
  end
  commit(s, fields)
  if s.status == 'gone' then
    -- The last fact stays for a day, for nodes that were away.
    redis.call('UNLINK', unpack(keys, LINE, KEPT))
    redis.call('PEXPIRE', keys[META], REPLAY_TTL_MS)
    redis.call('PEXPIRE', keys[FACTS], REPLAY_TTL_MS)
  end
  return add_entries(s, { 'ok', s.epoch, s.at, '' }, point, 1)
end

-- The node's point; how many entries at the most.
local function facts(keys, args)
  local point = read_point(args, 1)
  local s, refusal = shared(keys, nil, point)
  if not s then
    return refusal
  end
  local count = min(tonumber(args[4]), FACTS_READ_MAX)
  return add_entries(s, { 'ok', s.epoch, now(s), '' }, point, count)
end

-- Parts of a sale that a node writes from its own world.
local PARTS = {
  -- The first chunk's index, then chunks of places.
  places = function(s, args)
    for index = 5, #args do
      local bytes, chunk = args[index], tonumber(args[4]) + index - 5
      put_chunk(s, chunk, bytes)
      for offset = 0, #bytes - 1, PLACE_BYTES do
        local state = byte(bytes, offset + PLACE_BYTES)
        if state == WAITING or has_session(state) then
          local number = chunk * CHUNK_PLACES + offset / PLACE_BYTES + 1
          set_live(s, sub(bytes, offset + 1, offset + 16), number)
        end
      end
    end
  end,
  sessions = function(s, args)
    local at = 1
    while at <= #args[4] do
      local number, state, since, over
      number, state, since, over, at = unpack_bytes('<I8BI8I8', args[4], at)
      set_deadline(s, number, over)
      if state ~= CALLED then
        set_claimed_at(s, number, since)
      end
    end
  end,
  stock = function(s, args)
    for index = 4, #args do
      redis.call('HSET', s.keys[STOCK], index - 4, args[index])
    end
  end,
  -- Holds, each in its byte form.
  holds = function(s, args)
    for index = 4, #args do
      local bytes = args[index]
      local id, state = unpack_bytes('<I8', bytes), byte(bytes, HOLD_STATE)
      put_hold(s, id, bytes)
      if state == HELD then
        insert(s.due_added, (unpack_bytes('<I8', bytes, #bytes - 7)))
        insert(s.due_added, sortable(id))
      end
      if counts(state) then
        local of = share_to_change(s, sub(bytes, 17, 32))
        for _, item in ipairs(items_of(bytes)) do
          of.units = of.units + item.quantity
        end
        of.open = of.open + (is_open(state) and 1 or 0)
      end
    end
  end,
  -- Kept answers, oldest first: the key, and the answer as it is kept.
  replays = function(s, args)
    local answers, queue = {}, {}
    for index = 4, #args do
      local key, value = sub(args[index], 1, 16), sub(args[index], 17)
      insert(answers, key)
      insert(answers, value)
      insert(queue, key .. sub(value, 17, 24))
    end
    call_with_all('HSET', s.keys[REPLAYS], answers, 2)
    call_with_all('RPUSH', s.keys[KEPT], queue, 1)
  end,
  -- Entries that other nodes may not have: epoch, seq, chain, time and records of each.
  entries = function(s, args)
    for at = 4, #args, 5 do
      write_entry(s, args[at], args[at + 1], args[at + 2], args[at + 3], args[at + 4])
    end
  end,
}

-- epoch; who loads; which part, with its contents. `begin` takes the sale under a higher epoch and
-- clears it; `open`, with meta fields and their values, is the last part.
local function load(keys, args)
  local epoch, loader, part = tonumber(args[1]), args[2], args[3]
  local s = read_meta(keys)
  if part == 'begin' then
    if s and epoch <= s.epoch then
      return { 'epoch', s.epoch }
    end
    redis.call('UNLINK', unpack(keys))
    redis.call('HSET', keys[META], 'status', 'loading', 'epoch', epoch, 'loader', loader)
    return { 'ok' }
  elseif not s then
    return { 'unknown' }
  elseif s.epoch ~= epoch or s.loader ~= loader or s.status ~= 'loading' then
    return { 'epoch', s.epoch }
  end
  if part == 'open' then
    for at = 4, #args, 2 do
      assert(IS_FIELD[args[at]], 'no such field')
    end
    redis.call('HSET', keys[META], unpack(args, 4))
    redis.call('HSET', keys[META], 'status', 'open')
    return { 'ok' }
  end
  s.at = 0
  PARTS[part](begin(s), args)
  save(s)
  return { 'ok' }
end

-- A call that binds what the load could not.
local function bound(call)
  return function(keys, args)
    if not pack then
      bind()
      list_fields()
    end
    return call(keys, args)
  end
end

redis.register_function('rushgate_1_decide', bound(decide))
redis.register_function('rushgate_1_append', bound(append))
redis.register_function('rushgate_1_load', bound(load))
redis.register_function({
  function_name = 'rushgate_1_facts', callback = bound(facts), flags = { 'no-writes' },
})
redis.register_function({
  function_name = 'rushgate_1_version',
  callback = function() return REVISION end,
  flags = { 'no-writes' },
})
