-- The calls that decide and read, as nodes make them all the time.

do

-- The wall clock counts as stepped when it is so far from where it was.
local CLOCK_STEP_MS = 100

-- Notes a step of the wall clock, on which schedules depend.
local function set_clock(s)
  local offset = wall_clock(s) - s.at
  local step = offset - (s.wall_offset or 0)
  if max(step, -step) >= CLOCK_STEP_MS then
    record(s, 22, pack('<i8', offset))
    s.wall_offset, s.is_clock_set = offset, true
  end
end

-- epoch; the node's point (epoch, seq, chain); whether new holds are refused; the node; the record with
-- which it joins; notes; commands; the sale's time as the node has it, or empty; the epoch and sequence
-- of the last entry that the node has journaled. Nothing is decided for a node that is not known to all.
local function decide(keys, args)
  local point = read_point(args, 2)
  local s, refusal = writable(keys, tonumber(args[1]), point)
  if not s then
    return refusal
  elseif s.seq - point.seq >= FACTS_READ_MAX then
    return { 'behind', s.seq }
  elseif s.archived == 1 and s.seq > point.seq and args[9] ~= '' then
    -- It may have the sale's file to write before it follows, and could not say what came of the commands.
    return { 'behind', s.seq }
  end
  begin(s, tonumber(args[10] or ''))
  s.stalled = args[5] == '1'
  local is_known = members.take_notes(s, args[6], args[7], args[8])
  set_clock(s)
  local replies = decide_all(s, read_commands(is_known and args[9] or ''))
  if #s.records > 0 then
    commit(s, MOVING)
  end
  local standing = members.serve(s, { epoch = tonumber(args[11]), seq = tonumber(args[12]) })
  local answer, own = { 'ok', standing, s.epoch, s.at, replies }, #s.records > 0 and 1 or 0
  if s.seq - point.seq > own then
    return add_entries(s, answer, point, FACTS_READ_MAX)
  elseif own == 1 then
    -- Nothing came between: what was just written need not be read.
    for _, value in ipairs({ s.at, s.epoch, s.seq, s.chain, join(s.records) }) do
      insert(answer, value)
    end
  end
  return answer
end

local DECIDE_ARGUMENTS = 12

-- What `decide` does for several sales: keys and arguments of each behind those of the one before. Answers
-- what it answers, and nothing for a sale at which it failed.
local function decide_each(keys, args)
  local answers = {}
  for sale = 1, #args / DECIDE_ARGUMENTS do
    local own_keys = { unpack(keys, (sale - 1) * KEPT_HOLDS + 1, sale * KEPT_HOLDS) }
    local own_args = { unpack(args, (sale - 1) * DECIDE_ARGUMENTS + 1, sale * DECIDE_ARGUMENTS) }
    local is_done, answer = pcall(decide, own_keys, own_args)
    answers[sale] = is_done and answer or {}
  end
  return answers
end

-- What creations of a sale's name were answered, the oldest first, each behind its length; with `one` more, if it
-- came with a key. Those that are too many go.
local function with_creation(made, one)
  made = one == '' and made or made .. pack('<I4', #one) .. one
  local lengths, at = {}, 1
  while at <= #made do
    lengths[#lengths + 1] = 4 + unpack_bytes('<I4', made, at)
    at = at + lengths[#lengths]
  end
  local gone = 0
  for index = 1, #lengths - DELETIONS_KEPT_MAX do
    gone = gone + lengths[index]
  end
  return sub(made, gone + 1)
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
  -- The line is in the nodes' files. What can still be asked for stays: the holds and what was told of them.
  archive = function(s)
    s.archived, s.closed = 1, 1
    for _, field in ipairs({ 'issued', 'departed', 'called', 'watermark', 'rate', 'level', 'filled_at', 'active' }) do
      s[field] = 0
    end
    forget_past_holds(s)
  end,
  -- What the sale's creation was answered stays, for nodes that never knew the sale.
  delete = function(s, made)
    s.status, s.made = 'gone', with_creation(s.made or '', made)
  end,
}

-- Drops the keys of a sale that only its crowd needed, with the snapshot, which has all of them.
local function drop_crowd(s)
  redis.call('UNLINK', unpack(s.keys, LINE, CLAIMS))
  redis.call('UNLINK', unpack(s.keys, DUE, KEPT))
  redis.call('UNLINK', unpack(s.keys, SNAPSHOT, SNAPSHOT_NEXT))
  redis.call('HSET', s.keys[META], 'present', count_present(s.keys))
end

-- epoch; the node's point; the node, or nothing when nobody is told that it was done; records; then effects,
-- three arguments each.
local function append(keys, args)
  local point = read_point(args, 2)
  local s, refusal = writable(keys, tonumber(args[1]), point)
  if not s then
    return refusal
  elseif point.seq ~= s.seq then
    return { 'moved', s.seq }
  elseif args[5] ~= '' and not members.is_known(keys, args[5]) then
    return { 'joining' }
  end
  begin(s)
  if args[7] == 'archive' and has_many_past_holds(s) then
    return { 'past' }
  end
  local was_archived = s.archived
  insert(s.records, args[6])
  for at = 7, #args, 3 do
    EFFECTS[args[at]](s, args[at + 1], args[at + 2])
  end
  local fields = {}
  for _, field in ipairs(META_FIELDS) do
    if field ~= 'clock_offset' then
      insert(fields, field)
    end
  end
  commit(s, fields)
  if s.archived ~= was_archived then
    drop_crowd(s)
  end
  if s.status == 'gone' then
    -- The facts stay for a day, for nodes that were away. That the sale is gone stays known: nobody
    -- is to bring it back, and another of its name begins behind it.
    redis.call('UNLINK', unpack(keys, LINE, KEPT))
    redis.call('UNLINK', unpack(keys, NODES))
    redis.call('HSET', keys[META], 'made', s.made)
    redis.call('PEXPIRE', keys[FACTS], REPLAY_TTL_MS)
  end
  return add_entries(s, { 'ok', s.epoch, s.at, '' }, point, 1)
end

-- epoch; the node's point. Forgets holds that are past their time, as many as one call may: before a sale is archived,
-- which forgets those that are left. No fact says so: a day after it ended, nobody counts on a hold being found.
local function forget(keys, args)
  local point = read_point(args, 2)
  local s, refusal = writable(keys, tonumber(args[1]), point)
  if not s then
    return refusal
  elseif point.seq ~= s.seq then
    return { 'moved', s.seq }
  end
  begin(s)
  forget_past_holds(s)
  save(s)
  redis.call('HSET', keys[META], 'present', count_present(keys))
  return { 'ok' }
end

-- Takes the node's point, how many entries it reads at most, and the node, or nothing. A node that knows a sale which
-- is gone learns so from its last entry. Instead of replies there is an s if the sale is archived and has no snapshot,
-- and a k if all others know the node.
local function facts(keys, args)
  local point = read_point(args, 1)
  local s, refusal = opened(keys)
  if refusal and point.seq > 0 then
    local found = read_meta(keys)
    if found and found.status == 'gone' then
      s, refusal = found, nil
    end
  end
  refusal = refusal or mismatch(s, point)
  if refusal then
    return refusal
  end
  local count = min(tonumber(args[4]), FACTS_READ_MAX)
  local about = s.archived == 1 and redis.call('EXISTS', keys[SNAPSHOT]) == 0 and 's' or ''
  if args[5] ~= '' and members.is_known(keys, args[5]) then
    about = about .. 'k'
  end
  return add_entries(s, { 'ok', s.epoch, now(s), about }, point, count)
end

register('decide', decide)
register('decide_each', decide_each)
register('append', append)
register('forget', forget)
register('facts', facts, { 'no-writes' })
register('version', function() return REVISION end, { 'no-writes' })

end
