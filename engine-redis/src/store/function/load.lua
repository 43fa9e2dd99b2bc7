-- Parts of a sale that a node writes from its own world.

do

local function put_answers(s, kind, args)
  local answers, queue = {}, {}
  for index = 4, #args do
    local key, value = sub(args[index], 1, 16), sub(args[index], 17)
    insert(answers, key)
    insert(answers, value)
    insert(queue, key .. sub(value, 17, 24))
  end
  call_with_all('HSET', s.keys[kind.answers], answers, 2)
  call_with_all('RPUSH', s.keys[kind.queue], queue, 1)
end

local PARTS = {
  -- The first chunk's index, and 1 where the line goes on to say who had a place; then chunks of places.
  places = function(s, args)
    for index = 6, #args do
      local bytes, chunk = args[index], tonumber(args[4]) + index - 6
      put_chunk(s, chunk, bytes)
      for offset = 0, #bytes - 1, PLACE_BYTES do
        local state = byte(bytes, offset + PLACE_BYTES)
        if is_live(state) or args[5] == '1' then
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
      local of = share_to_change(s, sub(bytes, 17, 32))
      of.made = of.made + 1
      if counts(state) then
        for _, item in ipairs(items_of(bytes)) do
          of.units = of.units + item.quantity
        end
        of.open = of.open + (is_open(state) and 1 or 0)
      end
    end
  end,
  -- Released and expired holds, the first to be forgotten first: when each ended, and its number.
  ended = function(s, args)
    for index = 4, #args do
      insert(s.ended_added, args[index])
    end
  end,
  -- Shoppers some of whose holds were forgotten, and how many.
  forgotten = function(s, args)
    for index = 4, #args do
      local shopper, count = unpack_bytes('<c16I4', args[index])
      local of = share_to_change(s, shopper)
      of.made = of.made + count
    end
  end,
  -- Kept answers of either kind, the oldest first: the key, and the answer as it is kept.
  entry_answers = function(s, args)
    put_answers(s, OF_ENTRIES, args)
  end,
  hold_answers = function(s, args)
    put_answers(s, OF_HOLDS, args)
  end,
  -- Who serves, and who may come back: the sequence of the entry with which they join and the sale's time,
  -- then name and standing of each.
  members = function(s, args)
    local joined, at = tonumber(args[4]), tonumber(args[5])
    for index = 6, #args, 2 do
      members.seed(s.keys, args[index], tonumber(args[index + 1]), joined, at)
    end
  end,
  -- Entries that other nodes may not have: epoch, seq, chain, time and records of each.
  entries = function(s, args)
    for at = 4, #args, 5 do
      write_entry(s, args[at], args[at + 1], args[at + 2], args[at + 3], args[at + 4])
    end
  end,
}

-- Whether nodes that know the sale have come together, and nobody of them was told this epoch: who does
-- not know the sale is not to make another in its place.
local function is_gathered_for(keys, epoch)
  local granted = redis.call('HGET', keys[QUORUM], ':epoch')
  return redis.call('EXISTS', keys[QUORUM]) == 1 and tonumber(granted or '') ~= epoch
end

-- epoch; who loads; which part, with its contents. `begin` takes the sale under a higher epoch and
-- clears it, unless it is open here, as it is when another node was faster; `open`, with meta fields and
-- their values, is the last part.
local function load(keys, args)
  local epoch, loader, part = tonumber(args[1]), args[2], args[3]
  local s, run = read_meta(keys), run_id()
  if part == 'begin' then
    if s and s.status == 'gone' and epoch <= s.epoch then
      return { 'gone', s.epoch, s.made or '' }
    elseif s and (epoch <= s.epoch or (s.status == 'open' and s.run == run)) then
      return { 'epoch', s.epoch }
    elseif is_loading(s, run) and s.loader ~= loader then
      return { 'loading', s.epoch }
    elseif (not s or s.status == 'open') and is_gathered_for(keys, epoch) then
      return { 'loading', epoch }
    end
    -- Of earlier sales of the name.
    local made = s and s.made or ''
    -- With the nodes, which are a part. With the snapshot: it may have what the new history has not.
    redis.call('UNLINK', unpack(keys))
    redis.call('HSET', keys[META], 'status', 'loading', 'epoch', epoch, 'loader', loader,
      'run', run, 'loaded_at', clock())
    if made ~= '' then
      redis.call('HSET', keys[META], 'made', made)
    end
    return { 'ok' }
  elseif not s then
    return { 'unknown' }
  elseif s.epoch ~= epoch or s.loader ~= loader or s.status ~= 'loading' then
    return { 'epoch', s.epoch }
  elseif s.run ~= run then
    -- Parts may have been lost that were said to be there.
    return { 'restarted', 0 }
  end
  if part == 'open' then
    for at = 4, #args, 2 do
      assert(IS_FIELD[args[at]], 'no such field')
    end
    redis.call('HSET', keys[META], unpack(args, 4))
    if redis.call('HGET', keys[META], 'archived') == '1' then
      -- In an archived sale nothing is bought.
      redis.call('UNLINK', keys[UNITS])
    end
    redis.call('HSET', keys[META], 'status', 'open', 'present', count_present(keys))
    redis.call('UNLINK', keys[QUORUM])
    return { 'ok' }
  end
  s.at = 0
  PARTS[part](begin(s), args)
  save(s)
  redis.call('HSET', keys[META], 'loaded_at', clock())
  return { 'ok' }
end

register('load', load)

end
