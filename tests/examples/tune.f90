! SPDX-License-Identifier: BSD-3-Clause
! tune.f90 - an example of libfoldrank inside a Fortran program: the fastest descent into a valley.
!
!   mpifort $(pkg-config --variable=fortran_module foldrank) tune.f90 \
!       $(pkg-config --cflags --libs foldrank) -o tune
!   mpirun -n 4 ./tune
!
! The ranks of a group share the directions of the valley; each adds up the height of its own.
module valley
    use, intrinsic :: iso_c_binding
    use mpi
    use foldrank
    implicit none
    integer, parameter :: directions = 6, steps = 30
contains
    function descend(trial, group, score) bind(c) result(status)
        type(c_ptr), value :: trial
        integer, value :: group
        real(c_double), intent(inout) :: score
        integer(c_int) :: status
        real(c_double) :: x(directions), v(directions), rate, momentum, height, whole
        integer :: rank, ranks, i, step, error
        call mpi_comm_rank(group, rank, error)
        call mpi_comm_size(group, ranks, error)
        rate = fr_tune_get(trial, "rate")
        momentum = 0
        if (fr_tune_get_text(trial, "method") == "heavy ball") &
            momentum = fr_tune_get(trial, "momentum")
        x = 1
        v = 0
        do step = 1, steps
            height = 0
            do i = 1 + rank, directions, ranks
                v(i) = momentum*v(i) - rate*2**i*x(i)
                x(i) = x(i) + v(i)
                height = height + 0.5*2**i*x(i)**2
            end do
            call mpi_allreduce(height, whole, 1, mpi_double_precision, mpi_sum, group, error)
            if (fr_tune_report(trial, step, log10(whole))) exit
        end do
        score = log10(whole)
        status = fr_ok
    end function
end module

program tune_valley
    use valley
    implicit none
    type(fr_tune) :: tune
    character(len=1000) :: output
    integer :: rank, ranks, level, error, status
    call mpi_init_thread(mpi_thread_multiple, level, error)
    call mpi_comm_rank(mpi_comm_world, rank, error)
    call mpi_comm_size(mpi_comm_world, ranks, error)
    output = "results/valley"
    if (command_argument_count() > 0) call get_command_argument(1, output)
    status = fr_tune_create(mpi_comm_world, "valley", tune)
    if (status == fr_ok) status = fr_tune_add_log(tune, "rate", 1.0d-4, 1.0d-1)
    if (status == fr_ok) status = fr_tune_add_float(tune, "momentum", 0.0d0, 0.95d0)
    if (status == fr_ok) &
        status = fr_tune_add_choice(tune, "method", [character(len=10) :: "plain", "heavy ball"])
    if (status == fr_ok) &
        status = fr_tune_set(tune, "objective.parameters.momentum.when", "{method: heavy ball}")
    if (status == fr_ok) status = fr_tune_set(tune, "search.trials", "40")
    if (status == fr_ok) status = fr_tune_set(tune, "pruning", "median")
    if (status == fr_ok) status = fr_tune_set(tune, "output", output)
    if (status == fr_ok .and. ranks > 1) status = fr_tune_set_ranks_per_trial(tune, 2)
    if (status == fr_ok) status = fr_tune_run(tune, descend)
    if (status == fr_ok) then
        print "(a,i0,a,i0,3a,f0.4,a,f0.4)", "rank ", rank, ": trial ", fr_tune_best_trial(tune), &
            ", method ", fr_tune_best_text(tune, "method"), &
            ", rate ", fr_tune_best(tune, "rate"), ", height 10^", fr_tune_best_score(tune)
    else if (rank == 0) then
        print *, "tune: ", fr_status_message()
    end if
    call fr_tune_destroy(tune)
    call mpi_finalize(error)
    if (status /= fr_ok) stop 1
end program
