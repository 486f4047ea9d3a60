defmodule Shop.Database.PoolTest do
  use ExUnit.Case, async: true

  alias Shop.Database.{Connection, Error, Pool}

  # A connection is a process that answers calls, so an Agent can stand for one.
  defp open, do: Agent.start_link(fn -> :idle end)

  defp start_pool!(options \\ [], opens \\ [&open/0]) do
    pool = start_supervised!({Pool, options})

    connections =
      for {open, number} <- Enum.with_index(opens) do
        start_supervised!({Connection, pool: pool, open: open}, id: number)
      end

    {pool, connections}
  end

  # Borrows a connection in a process of its own, until told to go on.
  defp borrow(pool) do
    test = self()

    task =
      Task.async(fn ->
        Pool.run(pool, fn conn ->
          send(test, {:borrowed, self(), conn})

          receive do
            :return -> {:returned, conn}
          end
        end)
      end)

    task
  end

  defp return(task) do
    send(task.pid, :return)
    Task.await(task)
  end

  defp waiting(pool), do: :queue.len(:sys.get_state(pool).waiting)

  defp eventually(condition) do
    unless condition.() do
      Process.sleep(5)
      eventually(condition)
    end
  end

  test "lends a connection and takes it back" do
    {pool, _} = start_pool!()
    assert conn = Pool.run(pool, & &1)
    assert Pool.run(pool, & &1) == conn
  end

  test "lends each connection to one borrower at a time" do
    {pool, _} = start_pool!([], [&open/0, &open/0])
    tasks = for _ <- 1..2, do: borrow(pool)
    assert_receive {:borrowed, _, one}
    assert_receive {:borrowed, _, other}
    assert one != other
    Enum.each(tasks, &return/1)
  end

  test "serves those who wait in their order" do
    {pool, _} = start_pool!()
    first = borrow(pool)
    assert_receive {:borrowed, _, conn}

    [second, third] =
      for position <- 1..2 do
        task = borrow(pool)
        eventually(fn -> waiting(pool) == position end)
        task
      end

    assert return(first) == {:returned, conn}
    assert_receive {:borrowed, pid, ^conn}
    assert pid == second.pid
    assert return(second) == {:returned, conn}
    assert_receive {:borrowed, pid, ^conn}
    assert pid == third.pid
    return(third)
  end

  test "refuses at once when the queue is full" do
    {pool, _} = start_pool!(queue_limit: 1)
    first = borrow(pool)
    assert_receive {:borrowed, _, _}
    second = borrow(pool)
    eventually(fn -> waiting(pool) == 1 end)

    assert {:error, %Error{kind: :busy}} = Pool.run(pool, & &1)
    Enum.each([first, second], &return/1)
  end

  test "refuses when no connection became free in time, and lends again later" do
    {pool, _} = start_pool!(queue_timeout: 10)
    task = borrow(pool)
    assert_receive {:borrowed, _, conn}

    assert {:error, %Error{kind: :timeout}} = Pool.run(pool, & &1)
    assert return(task) == {:returned, conn}
    assert Pool.run(pool, & &1) == conn
  end

  test "replaces the connection of a borrower that was killed" do
    {pool, _} = start_pool!()
    task = borrow(pool)
    assert_receive {:borrowed, _, conn}
    ref = Process.monitor(conn)

    Task.shutdown(task, :brutal_kill)
    assert_receive {:DOWN, ^ref, :process, _, :shutdown}
    assert other = Pool.run(pool, & &1)
    assert other != conn
  end

  test "replaces the connection when the borrower raises, and lets the exception through" do
    {pool, _} = start_pool!()
    conn = Pool.run(pool, & &1)
    assert_raise RuntimeError, "oops", fn -> Pool.run(pool, fn _ -> raise "oops" end) end
    assert Pool.run(pool, & &1) != conn
  end

  test "turns a call that is not answered into an error" do
    {pool, _} = start_pool!()

    assert {:error, %Error{kind: :lost}} =
             Pool.run(pool, &Agent.get(&1, fn _ -> Process.sleep(:infinity) end, 10))

    assert Process.alive?(Pool.run(pool, & &1))
  end

  test "forgets those who gave up waiting" do
    {pool, _} = start_pool!()
    first = borrow(pool)
    assert_receive {:borrowed, _, conn}
    second = borrow(pool)
    eventually(fn -> waiting(pool) == 1 end)

    Task.shutdown(second, :brutal_kill)
    eventually(fn -> waiting(pool) == 0 end)
    return(first)
    assert Pool.run(pool, & &1) == conn
  end

  test "opens a connection again after it was lost" do
    {pool, _} = start_pool!()
    conn = Pool.run(pool, & &1)
    Process.exit(conn, :kill)
    eventually(fn -> is_pid(Pool.run(pool, & &1)) and Pool.run(pool, & &1) != conn end)
  end

  test "says why while there is no connection, and tries again until there is one" do
    error = %Error{kind: :connect, message: "cannot connect"}

    answers =
      start_supervised!({Agent, fn -> [{:error, error}, {:error, error}] end}, id: :answers)

    open = fn ->
      Agent.get_and_update(answers, fn
        [answer | rest] -> {answer, rest}
        [] -> {:open, []}
      end)
      |> then(&if &1 == :open, do: open(), else: &1)
    end

    {pool, _} = start_pool!([], [open])
    assert Pool.run(pool, & &1) == {:error, error}
    eventually(fn -> is_pid(Pool.run(pool, & &1)) end)
    assert Agent.get(answers, & &1) == []
  end

  test "refuses those who wait when the last connection is lost for good" do
    error = %Error{kind: :connect, message: "cannot connect"}
    opened = :atomics.new(1, [])
    once = fn -> if :atomics.add_get(opened, 1, 1) == 1, do: open(), else: {:error, error} end
    {pool, _} = start_pool!([], [once])
    task = borrow(pool)
    assert_receive {:borrowed, _, conn}
    waiting = Task.async(fn -> Pool.run(pool, & &1) end)
    eventually(fn -> waiting(pool) == 1 end)

    Process.exit(conn, :kill)
    assert {:error, %Error{kind: :lost}} = Task.await(waiting)
    return(task)
    assert {:error, %Error{}} = Pool.run(pool, & &1)
  end

  test "a connection that crashes as a whole is replaced by its supervisor's next one" do
    {pool, [connection]} = start_pool!()
    conn = Pool.run(pool, & &1)
    Process.exit(connection, :kill)
    eventually(fn -> is_pid(Pool.run(pool, & &1)) and Pool.run(pool, & &1) != conn end)
  end
end
